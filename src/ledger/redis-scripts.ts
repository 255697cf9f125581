import { FINAL_STATES, SETTLEMENT_RECORD_VERSION, SETTLEMENT_TRANSITIONS } from "./ledger.ts";
import type { SettlementState } from "./ledger.ts";
import { RECORD_FIELDS } from "./redis-record.ts";

/**
 * The clock is the server's. A fence is the server's time in microseconds (at least one more than the fence before),
 * so that no fence comes back when a payment is released or expires, and is claimed again.
 */
export const CLOCK = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function ms(number) return string.format('%.0f', number) end
`;

/**
 * One Lua script an operation; each touches keys of one slot, so that they run on Redis Cluster. A script answers
 * `{status}` or `{status, more}`, strings only. Every one begins by reading the record, and leaves before it writes
 * when the record's version is unknown or the record is not whole.
 */
const prelude = `
${CLOCK}
local key = KEYS[1]
local found = redis.call('HMGET', key, 'version', 'state', 'fence', 'leaseUntilMs', 'claimant', 'requirementsHash', 'token', 'handedOutTo')
local version, state, fence, leaseUntil, claimant, requirements, token, handedOutTo = unpack(found)
local exists = version or state or fence or leaseUntil
if exists then
  if not (version and string.match(version, '^[1-9][0-9]*$')) then return {'malformed'} end
  if version ~= '${SETTLEMENT_RECORD_VERSION}' then return {'version', version} end
  if not (state and (${anyOf(Object.keys(SETTLEMENT_TRANSITIONS))})
      and tonumber(fence) and tonumber(leaseUntil) and claimant and requirements and token and handedOutTo) then
    return {'malformed'}
  end
end

local function record() return redis.call('HMGET', key, ${RECORD_FIELDS.map((name) => `'${name}'`).join(", ")}) end

-- Keeps the record at least until then; never for less long than before.
local function keep(untilMs)
  local left = redis.call('PTTL', key)
  if left >= 0 and now + left < untilMs then redis.call('PEXPIREAT', key, ms(untilMs)) end
end
`;

/** ARGV: claimant, requirementsHash, payment, token, leaseMs, ttlMs, payment key. */
const claim = `
local leaseMs, ttlMs = tonumber(ARGV[5]), tonumber(ARGV[6])
local newFence = time[1] * 1000000 + time[2]
if not exists then
  redis.call('HSET', key, 'version', '${SETTLEMENT_RECORD_VERSION}', 'key', ARGV[7], 'state', 'claimed', 'fence', ms(newFence),
    'claimant', ARGV[1], 'requirementsHash', ARGV[2], 'payment', ARGV[3], 'token', ARGV[4], 'handedOutTo', '',
    'createdAtMs', ms(now), 'leaseUntilMs', ms(now + leaseMs))
  redis.call('PEXPIREAT', key, ms(now + math.max(ttlMs, leaseMs)))
  return {'new', ms(newFence), ms(now)}
end
if ${anyOf([...FINAL_STATES])} then return {'final', record()} end
local lapsed, again = tonumber(leaseUntil) <= now, token == ARGV[4]
if state ~= 'claimed' or claimant ~= ARGV[1] or requirements ~= ARGV[2] or not (lapsed or again) then
  return {'held', record()}
end
if lapsed then
  if not again then fence = ms(math.max(newFence, tonumber(fence) + 1)) end
  redis.call('HSET', key, 'fence', fence, 'token', ARGV[4], 'leaseUntilMs', ms(now + leaseMs))
  keep(now + math.max(ttlMs, leaseMs))
end
return {'claimed', record()}
`;

/** ARGV: fence, to, reopens or an empty string, then names and values of the facts to add. */
const advance = `
local to = ARGV[2]
if not exists or fence ~= ARGV[1] then return {'no'} end
if state == to and to ~= 'claimed' then
  local made = true
  for i = 4, #ARGV, 2 do made = made and redis.call('HGET', key, ARGV[i]) == ARGV[i + 1] end
  if made then return {'yes'} end
end
if not (${allowed()}) then return {'no'} end
if (${anyOf([...FINAL_STATES])}) and (ARGV[3] == '' or redis.call('HGET', key, 'transaction') ~= ARGV[3]) then
  return {'no'}
end
local at = 'signedAtMs'
if ${anyOf([...FINAL_STATES], "to")} then at = 'finishedAtMs'
elseif state ~= 'claimed' then redis.call('HDEL', key, 'block', 'reason', 'finishedAtMs') end
redis.call('HSET', key, 'state', to, at, ms(now), unpack(ARGV, 4))
return {'yes'}
`;

/** ARGV: fence of the lane, transaction. */
const adopt = `
if not exists then return {'none'} end
if state ~= 'claimed' and tonumber(fence) < tonumber(ARGV[1]) and redis.call('HGET', key, 'transaction') == ARGV[2] then
  redis.call('HSET', key, 'fence', ARGV[1])
end
return {'found', record()}
`;

/** ARGV: fence, leaseMs. */
const renew = `
if not exists or state ~= 'claimed' or fence ~= ARGV[1] then return {'no'} end
redis.call('HSET', key, 'leaseUntilMs', ms(now + tonumber(ARGV[2])))
keep(now + tonumber(ARGV[2]))
return {'yes'}
`;

/** ARGV: fence. */
const release = `
if not exists or state ~= 'claimed' or fence ~= ARGV[1] then return {'no'} end
redis.call('DEL', key)
return {'yes'}
`;

/** ARGV: claimant, requirementsHash, token. */
const handOut = `
if not exists or state ~= 'confirmed' or claimant ~= ARGV[1] or requirements ~= ARGV[2] then return {'no'} end
if claimant ~= '' or handedOutTo == ARGV[3] then return {'yes'} end
if handedOutTo ~= '' then return {'no'} end
redis.call('HSET', key, 'handedOutTo', ARGV[3])
return {'yes'}
`;

/** A script and not HMGET, which a cluster client may send to a replica that lags behind. */
const get = `
if not exists then return {'none'} end
return {'found', record()}
`;

/** Proves that scripts may run and that writes are accepted: not a replica, not full, not failing to persist. */
const check = `
redis.call('TIME')
redis.call('HSET', KEYS[1], 'checked', '1')
redis.call('PEXPIRE', KEYS[1], '1000')
return {'yes'}
`;

/** Lua by the name of the operation. */
export const RECORD_SCRIPTS = {
  claim: prelude + claim,
  advance: prelude + advance,
  adopt: prelude + adopt,
  renew: prelude + renew,
  release: prelude + release,
  handOut: prelude + handOut,
  get: prelude + get,
  check,
};

function anyOf(values: readonly string[], name = "state"): string {
  return values.map((value) => `${name} == '${value}'`).join(" or ");
}

function allowed(): string {
  const rows = Object.entries(SETTLEMENT_TRANSITIONS) as [SettlementState, SettlementState[]][];
  return rows
    .filter(([, states]) => states.length > 0)
    .map(([from, states]) => `state == '${from}' and (${anyOf(states, "to")})`)
    .join(" or ");
}
