import type { ScriptSet } from "../ledger/redis-run.ts";
import { CLOCK, RECORD_SCRIPTS } from "../ledger/redis-scripts.ts";
import type { SpendOperation } from "../ledger/unavailable.ts";
import { SPEND_FIELDS, SPEND_VERSION } from "./redis-spend-record.ts";
import { DAY_MS, SPEND_STEPS } from "./spend-store.ts";

/**
 * Keys of a wallet. `records` has the fields of all payments, by `<field>:<id>`; `order` their ids in the order of
 * reservation; `requests` the ids of those that are not final, by request; `leases` those that are reserved, by the end
 * of the lease; `due` those that were sent or are final, by when they are forgotten; `totals` the version too.
 */
export const WALLET_KEYS = ["totals", "records", "order", "requests", "leases", "due", "pins"];
/** Total, host and payee, in every step each. */
const SUM_KEYS = 3 * SPEND_STEPS.length;

/** ARGV[1]: the time, where it is not the server's; ARGV[2]: how long final payments are kept. */
const prelude = `
${CLOCK}
if ARGV[1] ~= '' then now = tonumber(ARGV[1]) end
local totals, records, order, requests, leases, due, pins = unpack(KEYS)
local version = redis.call('HGET', totals, 'version')
if version and version ~= '${SPEND_VERSION}' then return {'version', version} end
local names = {${SPEND_FIELDS.map((name) => `'${name}'`).join(", ")}}
local steps = {${SPEND_STEPS.map(({ stepSeconds, upToSeconds }) => `{${stepSeconds}, ${upToSeconds / stepSeconds}}`).join(", ")}}
local function get(id, name) return redis.call('HGET', records, name .. ':' .. id) end
local function set(id, name, value) redis.call('HSET', records, name .. ':' .. id, value) end
local function fields(id)
  local all = {}
  for i, name in ipairs(names) do all[i] = name .. ':' .. id end
  return all
end
local function row(id) return redis.call('HMGET', records, unpack(fields(id))) end

-- Names and values of fields in ARGV, as they are in the records.
local function keyed(id, first)
  local pairs = {}
  for i = first, #ARGV, 2 do
    table.insert(pairs, ARGV[i] .. ':' .. id)
    table.insert(pairs, ARGV[i + 1])
  end
  return pairs
end
local function lease(id, length)
  set(id, 'leaseUntilMs', length == '0' and '0' or ms(now + length))
end

-- When one that was sent is over: see \`isOver\`.
local function overAt(id) return get(id, 'expiresAtMs') + (get(id, 'state') == 'rejected' and 0 or ${DAY_MS}) end
local function isOver(id) return get(id, 'state') ~= 'reserved' and overAt(id) < now end

-- Ids for a request, oldest first.
local function idsOf(request)
  local ids = redis.call('HGET', requests, request)
  return ids and cjson.decode(ids) or {}
end
local function list(request, id, isOpen)
  local ids, without, at = idsOf(request), {}, tonumber(redis.call('ZSCORE', order, id))
  for _, other in ipairs(ids) do
    if isOpen and tonumber(redis.call('ZSCORE', order, other) or 0) > at then
      table.insert(without, id)
      isOpen = false
    end
    if other ~= id and not isOver(other) then table.insert(without, other) end
  end
  if isOpen then table.insert(without, id) end
  if #without == 0 then redis.call('HDEL', requests, request)
  else redis.call('HSET', requests, request, cjson.encode(without)) end
end

-- Files a payment by its state.
local function file(id)
  local state, request = get(id, 'state'), cjson.decode(get(id, 'spend')).request
  redis.call('ZREM', leases, id)
  redis.call('ZREM', due, id)
  local isOpen = ({pending = 1, answered = 1, rejected = 1, reserved = 1})[state]
  if request then list(request, id, isOpen) end
  if state == 'reserved' then redis.call('ZADD', leases, get(id, 'leaseUntilMs'), id)
  elseif isOpen then redis.call('ZADD', due, ms(overAt(id) + ARGV[2]), id)
  else redis.call('ZADD', due, ms(now + tonumber(ARGV[2])), id) end
  if state == 'paid' or state == 'released' then redis.call('HDEL', records, 'payload:' .. id, 'headers:' .. id) end
end

-- The sum of a window, or of all time with a step of 0.
local function sum(name, key, step, window)
  if step == 0 then return tonumber(redis.call('HGET', totals, name) or 0) end
  local total, first, pairs = 0, math.floor((now / 1000 - window) / step), redis.call('HGETALL', key)
  for i = 1, #pairs, 2 do
    if tonumber(pairs[i]) >= first then total = total + tonumber(pairs[i + 1]) end
  end
  return total
end

-- Adds to the sums, whose names begin at ARGV[at] and whose keys are the last.
local function count(at, atMs, value, sign)
  local change = value == '0' and value or sign .. value
  for scope = 0, 2 do
    redis.call('HINCRBY', totals, ARGV[at + scope], change)
    for i, step in ipairs(steps) do
      local key = KEYS[#KEYS - ${SUM_KEYS} + #steps * scope + i]
      local index = ms(math.floor(atMs / 1000 / step[1]))
      if sign == '' or redis.call('HEXISTS', key, index) == 1 then
        redis.call('HINCRBY', key, index, change)
        redis.call('PEXPIRE', key, ms((step[2] + 2) * step[1] * 1000))
      end
      if redis.call('HLEN', key) > step[2] + 1 then
        local oldest = math.huge
        for _, other in ipairs(redis.call('HKEYS', key)) do oldest = math.min(oldest, tonumber(other)) end
        redis.call('HDEL', key, ms(oldest))
      end
    end
  end
end
`;

/**
 * ARGV: id, what never changes, length of the lease, expiresAtMs, value, name and value of a pin or two empty strings,
 * names of three sums, number of limits, for each the number of its scope, the most, step and window; then names and
 * values of fields.
 */
const reserve = `
local id, value, pin = ARGV[3], ARGV[7], ARGV[8]
if get(id, 'spend') then return {'used'} end
local lapsed = redis.call('ZRANGEBYSCORE', leases, '-inf', ms(now), 'LIMIT', 0, 100)
if #lapsed > 0 then
  for i, other in ipairs(lapsed) do lapsed[i] = get(other, 'spend') end
  return {'lapsed', lapsed}
end
for _, other in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', '(' .. ms(now), 'LIMIT', 0, 20)) do
  local request = cjson.decode(get(other, 'spend')).request
  if request then list(request, other, false) end
  redis.call('HDEL', records, 'taking:' .. other, unpack(fields(other)))
  redis.call('ZREM', order, other)
  redis.call('ZREM', due, other)
end
local pinned = pin ~= '' and redis.call('HGET', pins, pin)
if pinned and pinned ~= ARGV[9] then return {'pinned', pinned} end
local limits = tonumber(ARGV[13])
for i = 0, limits - 1 do
  local scope, max, step, window = unpack(ARGV, 14 + 4 * i, 17 + 4 * i)
  local key = KEYS[#KEYS]
  for j, other in ipairs(steps) do
    if other[1] == tonumber(step) then key = KEYS[#KEYS - ${SUM_KEYS} + #steps * scope + j] end
  end
  local spent = sum(ARGV[10 + scope], key, tonumber(step), tonumber(window))
  if not (spent + value <= tonumber(max)) then return {'limit', {ms(i), ms(spent)}} end
end
if pin ~= '' then redis.call('HSET', pins, pin, ARGV[9]) end
redis.call('HSET', totals, 'version', '${SPEND_VERSION}')
redis.call('ZADD', order, redis.call('HINCRBY', totals, 'reservations', 1), id)
redis.call('HSET', records, unpack(keyed(id, 14 + 4 * limits)))
set(id, 'spend', ARGV[4])
set(id, 'atMs', ms(now))
lease(id, ARGV[5])
set(id, 'expiresAtMs', ARGV[6])
count(10, now, value, '')
file(id)
return {'yes'}
`;

/** ARGV: id. */
const read = `
local spend = get(ARGV[3], 'spend')
return spend and {'found', spend} or {'none'}
`;

/** ARGV: id, length of the lease or an empty string, then names and values of fields. */
const update = `
local id = ARGV[3]
local state = get(id, 'state')
if not state or state == 'released' then return {'no'} end
if ARGV[4] ~= '' then lease(id, ARGV[4]) end
if #ARGV > 4 then redis.call('HSET', records, unpack(keyed(id, 5))) end
file(id)
return {'yes'}
`;

/** ARGV: id, value, names of three sums, then names and values of fields. */
const release = `
local id = ARGV[3]
local state = get(id, 'state')
if not state or state == 'released' then return {'no'} end
count(5, tonumber(get(id, 'atMs')), ARGV[4], '-')
redis.call('HSET', records, unpack(keyed(id, 8)))
file(id)
return {'yes'}
`;

/** Releases one that is reserved, if its lease is over. ARGV: like `release`. */
const lapse = `
if get(ARGV[3], 'state') ~= 'reserved' or tonumber(get(ARGV[3], 'leaseUntilMs')) > now then return {'no'} end
${release}`;

/** ARGV: request, owner, 1 for a takeover, leaseMs, name of this taking, names of earlier ones that nobody was told of. */
const take = `
local held
for _, id in ipairs(idsOf(ARGV[3])) do
  local state, till, taking = get(id, 'state'), tonumber(get(id, 'leaseUntilMs')), get(id, 'taking')
  if state ~= 'reserved' and not isOver(id) then
    local isOwn, isFree = get(id, 'owner') == ARGV[4], till <= now
    for i = 8, #ARGV do isFree = isFree or taking == ARGV[i] end
    if isFree or (ARGV[5] == '1' and not isOwn) then
      set(id, 'owner', ARGV[4])
      set(id, 'taking', ARGV[7])
      lease(id, ARGV[6])
      return {'taken', row(id)}
    end
    if not isOwn then held = held or ms(till - now) end
  end
end
return held and {'held', held} or {'none'}
`;

/** ARGV: name of the sum, step or 0, window. */
const sum = `return {'sum', ms(sum(ARGV[3], KEYS[#KEYS], tonumber(ARGV[4]), tonumber(ARGV[5])))}`;

/** ARGV: id that they are before or an empty string, how many. */
const list = `
local from, rows = 0, {}
if ARGV[3] ~= '' then
  local rank = redis.call('ZREVRANK', order, ARGV[3])
  if not rank then return {'rows', rows} end
  from = rank + 1
end
for i, id in ipairs(redis.call('ZREVRANGE', order, from, from + ARGV[4] - 1)) do rows[i] = row(id) end
return {'rows', rows}
`;

const keys = WALLET_KEYS.length;

export const SPEND_SCRIPTS: ScriptSet<SpendOperation | "check"> = {
  scripts: {
    reserveSpend: prelude + reserve,
    readSpend: prelude + read,
    updateSpend: prelude + update,
    releaseSpend: prelude + release,
    lapseSpend: prelude + lapse,
    takeSpend: prelude + take,
    sumSpends: prelude + sum,
    listSpends: prelude + list,
    check: RECORD_SCRIPTS.check,
  },
  numberOfKeys: {
    reserveSpend: keys + SUM_KEYS,
    readSpend: keys,
    updateSpend: keys,
    releaseSpend: keys + SUM_KEYS,
    lapseSpend: keys + SUM_KEYS,
    takeSpend: keys,
    sumSpends: keys + 1,
    listSpends: keys,
  },
  version: SPEND_VERSION,
};
