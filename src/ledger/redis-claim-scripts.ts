import { CLAIM_STATES } from "./claim-input.ts";
import { CLAIM_FIELDS, CLAIM_VERSION } from "./redis-claim-record.ts";
import { CLOCK, RECORD_SCRIPTS } from "./redis-scripts.ts";
import type { ScriptSet } from "./redis-run.ts";
import type { ClaimOperation } from "./unavailable.ts";

/**
 * Like the scripts of the ledger: one an operation, one key each, the clock is the server's, and each leaves before it
 * writes when the claim's version is unknown or its state and hold are not whole. Nobody holds a claim whose token is
 * empty; a token stays good until another takes its place, though the hold may have lapsed.
 */
const prelude = `
${CLOCK}
local key = KEYS[1]
local rank = {${CLAIM_STATES.map((state, i) => `${state} = ${i}`).join(", ")}}
local version, state, token, heldUntil = unpack(redis.call('HMGET', key, 'version', 'state', 'token', 'heldUntilMs'))
local exists = version or state or token or heldUntil
if exists then
  if not (version and string.match(version, '^[1-9][0-9]*$')) then return {'malformed'} end
  if version ~= '${CLAIM_VERSION}' then return {'version', version} end
  if not (state and rank[state] and token and heldUntil and string.match(heldUntil, '^[0-9]+$')) then
    return {'malformed'}
  end
elseif redis.call('EXISTS', key) == 1 then
  return {'malformed'}
end
local held = exists and token ~= '' and tonumber(heldUntil) > now

local function record() return redis.call('HMGET', key, ${CLAIM_FIELDS.map((name) => `'${name}'`).join(", ")}) end

-- Keeps the claim at least that long; never for less long than before.
local function keep(duration)
  local left = redis.call('PTTL', key)
  if left >= 0 and left < duration then redis.call('PEXPIRE', key, ms(duration)) end
end
`;

/** ARGV: token, leaseMs, ttlMs, then names and values of fields. */
const claim = `
if exists then return {'no'} end
local leaseMs, ttlMs = tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('HSET', key, 'version', '${CLAIM_VERSION}', 'token', ARGV[1], 'heldUntilMs', ms(now + leaseMs), unpack(ARGV, 4))
redis.call('PEXPIRE', key, ms(math.max(ttlMs, leaseMs)))
return {'yes'}
`;

const get = `
if not exists then return {'none'} end
return {held and 'held' or 'free', record()}
`;

/** ARGV: token, leaseMs. */
const resume = `
if not exists or held then return {'none'} end
redis.call('HSET', key, 'token', ARGV[1], 'heldUntilMs', ms(now + tonumber(ARGV[2])))
keep(tonumber(ARGV[2]))
return {'held', record()}
`;

const owned = `
if not exists or token == '' or token ~= ARGV[1] then return {'no'} end
`;

/** ARGV: token, 1 to let go or 0, ttlMs or 0, number of fields to remove, their names, then names and values of fields. */
const write = `
${owned}
local removed = tonumber(ARGV[4])
local first = 5 + removed
for i = first, #ARGV, 2 do
  if ARGV[i] == 'state' and rank[ARGV[i + 1]] < rank[state] then return {'no'} end
end
if removed > 0 then redis.call('HDEL', key, unpack(ARGV, 5, first - 1)) end
if #ARGV > first then redis.call('HSET', key, unpack(ARGV, first)) end
if ARGV[2] == '1' then
  redis.call('HSET', key, 'token', '', 'heldUntilMs', '0')
  heldUntil = '0'
end
local ttlMs = tonumber(ARGV[3])
if ttlMs > 0 then redis.call('PEXPIRE', key, ms(math.max(ttlMs, tonumber(heldUntil) - now))) end
return {'yes'}
`;

/** ARGV: token, leaseMs. */
const renew = `
${owned}
redis.call('HSET', key, 'heldUntilMs', ms(now + tonumber(ARGV[2])))
keep(tonumber(ARGV[2]))
return {'yes'}
`;

/** ARGV: token. */
const forget = `
${owned}
redis.call('DEL', key)
return {'yes'}
`;

/** ARGV: the payment's key with the version before it, ttlMs. */
const identify = `
local bound = redis.call('GET', KEYS[1])
if bound then return {'bound', bound} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {'bound', ARGV[1]}
`;

export const CLAIM_SCRIPTS: ScriptSet<ClaimOperation | "check"> = {
  scripts: {
    claimPayment: prelude + claim,
    getClaim: prelude + get,
    resumeClaim: prelude + resume,
    writeClaim: prelude + write,
    renewClaim: prelude + renew,
    forgetClaim: prelude + forget,
    identifyPayment: identify,
    check: RECORD_SCRIPTS.check,
  },
  version: CLAIM_VERSION,
  binary: true,
};
