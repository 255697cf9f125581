import { SETTLEMENT_RECORD_VERSION, SETTLEMENT_TRANSITIONS } from "./ledger.ts";

/**
 * One Lua script an operation; each touches one key, so that they run on Redis Cluster. A script answers
 * `{status}` or `{status, fields and values of the hash}`, strings only. Every one begins by reading the record, and
 * leaves before it writes when the record's version is unknown or the record is not whole.
 *
 * The clock is the server's. A fence is the server's time in microseconds (at least one more than the fence before),
 * so that no fence comes back when a payment is released or expires, and is claimed again.
 */
const prelude = `
local version = '${SETTLEMENT_RECORD_VERSION}'
local transitions = ${luaTransitions()}
local key = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local found = redis.call('HMGET', key, 'version', 'state', 'fence', 'leaseUntilMs', 'claimant', 'requirementsHash', 'handedOut')
local state, fence, leaseUntil, claimant, requirements, handedOut = unpack(found, 2)
local exists = redis.call('EXISTS', key) == 1
if exists then
  if not (found[1] and string.match(found[1], '^[1-9][0-9]*$')) then return {'malformed'} end
  if found[1] ~= version then return {'version', found[1]} end
  if not (transitions[state] and tonumber(fence) and tonumber(leaseUntil) and claimant and requirements
      and (handedOut == '0' or handedOut == '1')) then
    return {'malformed'}
  end
end
local final = exists and next(transitions[state]) == nil

local function ms(number) return string.format('%.0f', number) end

local function record() return redis.call('HGETALL', key) end

-- Keeps the record at least until then; never for less long than before.
local function keep(untilMs)
  local left = redis.call('PTTL', key)
  if left >= 0 and now + left < untilMs then redis.call('PEXPIREAT', key, ms(untilMs)) end
end
`;

/** ARGV: claimant, requirementsHash, payment, leaseMs, ttlMs, payment key. */
const claim = `
local leaseMs, ttlMs = tonumber(ARGV[4]), tonumber(ARGV[5])
local newFence = time[1] * 1000000 + time[2]
if not exists then
  redis.call('HSET', key, 'version', version, 'key', ARGV[6], 'state', 'claimed', 'fence', ms(newFence),
    'claimant', ARGV[1], 'requirementsHash', ARGV[2], 'payment', ARGV[3], 'handedOut', '0',
    'createdAtMs', ms(now), 'updatedAtMs', ms(now), 'leaseUntilMs', ms(now + leaseMs))
  redis.call('PEXPIREAT', key, ms(now + math.max(ttlMs, leaseMs)))
  return {'claimed', record()}
end
if final then return {'final', record()} end
if claimant ~= ARGV[1] or requirements ~= ARGV[2] or tonumber(leaseUntil) > now then return {'held', record()} end
redis.call('HSET', key, 'fence', ms(math.max(newFence, tonumber(fence) + 1)), 'updatedAtMs', ms(now),
  'leaseUntilMs', ms(now + leaseMs))
keep(now + math.max(ttlMs, leaseMs))
return {'resumed', record()}
`;

/** ARGV: fence, to, leaseMs or an empty string, then names and values of the facts to add. */
const advance = `
if not exists or fence ~= ARGV[1] or not transitions[state][ARGV[2]] then return {'lost'} end
redis.call('HSET', key, 'state', ARGV[2], 'updatedAtMs', ms(now), unpack(ARGV, 4))
if ARGV[3] ~= '' then
  redis.call('HSET', key, 'leaseUntilMs', ms(now + tonumber(ARGV[3])))
  keep(now + tonumber(ARGV[3]))
end
return {'done', record()}
`;

/** ARGV: fence, leaseMs. */
const renew = `
if not exists or final or fence ~= ARGV[1] then return {'no'} end
redis.call('HSET', key, 'updatedAtMs', ms(now), 'leaseUntilMs', ms(now + tonumber(ARGV[2])))
keep(now + tonumber(ARGV[2]))
return {'yes'}
`;

/** ARGV: fence. */
const release = `
if not exists or state ~= 'claimed' or fence ~= ARGV[1] then return {'no'} end
redis.call('DEL', key)
return {'yes'}
`;

/** ARGV: claimant, requirementsHash. */
const handOut = `
if not exists or state ~= 'confirmed' or claimant ~= ARGV[1] or requirements ~= ARGV[2] then return {'no'} end
if claimant ~= '' then return {'yes'} end
if handedOut == '1' then return {'no'} end
redis.call('HSET', key, 'handedOut', '1', 'updatedAtMs', ms(now))
return {'yes'}
`;

/** A script and not HGETALL, which a cluster client may send to a replica that lags behind. */
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
export const LEDGER_SCRIPTS = {
  claim: prelude + claim,
  advance: prelude + advance,
  renew: prelude + renew,
  release: prelude + release,
  handOut: prelude + handOut,
  get: prelude + get,
  check,
};

function luaTransitions(): string {
  const rows = Object.entries(SETTLEMENT_TRANSITIONS).map(([from, states]) => {
    return `${from} = {${states.map((to) => `${to} = true`).join(", ")}}`;
  });
  return `{${rows.join(", ")}}`;
}
