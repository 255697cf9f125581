import { CLOCK } from "./redis-scripts.ts";

/** Version of a lane's layout in Redis. */
const VERSION = 1;

/**
 * KEYS: the hash of a lane. It has no time to live: the fence must never come back, and what was recorded stays until
 * it is retired. `owner` is empty once the lease was given back. The log's entries are fields (`tx:<hash>`) whose value
 * is the how-manieth recorded one it is, a space and the transaction as JSON.
 */
const prelude = `
local key = KEYS[1]
local version, fence, owner, leaseUntil, recorded = unpack(redis.call('HMGET', key, 'version', 'fence', 'owner', 'leaseUntilMs', 'recorded'))
local exists = version or fence or owner or leaseUntil or recorded
if exists then
  if not (version and string.match(version, '^[1-9][0-9]*$')) then return {'malformed'} end
  if version ~= '${VERSION}' then return {'version', version} end
  if not (tonumber(fence) and owner and tonumber(leaseUntil) and tonumber(recorded)) then return {'malformed'} end
end
`;

/** ARGV: fence. Its lease may have run out, but nobody else has taken the lane. */
const owned = `
if not exists or owner == '' or fence ~= ARGV[1] then return {'no'} end
`;

/** KEYS: a sorted set of owners by the end of their time. ARGV: owner, ttlMs. */
const announceOwner = `
redis.call('ZADD', KEYS[1], ms(now + tonumber(ARGV[2])), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms(now))
local last = redis.call('ZRANGE', KEYS[1], '-1', '-1', 'WITHSCORES')[2]
if last then redis.call('PEXPIREAT', KEYS[1], ms(tonumber(last))) end
return {'alive', tostring(redis.call('ZCARD', KEYS[1]))}
`;

/** ARGV: owner, leaseMs. */
const acquireLane = `
if not exists or owner ~= ARGV[1] then
  if exists and owner ~= '' and tonumber(leaseUntil) > now then return {'held'} end
  fence = ms(math.max(time[1] * 1000000 + time[2], (tonumber(fence) or 0) + 1))
end
redis.call('HSET', key, 'version', '${VERSION}', 'fence', fence, 'owner', ARGV[1],
  'leaseUntilMs', ms(now + tonumber(ARGV[2])), 'recorded', recorded or '0')
return {'acquired', fence}
`;

/** ARGV: fence, leaseMs. */
const renewLane = `
redis.call('HSET', key, 'leaseUntilMs', ms(now + tonumber(ARGV[2])))
return {'yes'}
`;

/** ARGV: fence. */
const releaseLane = `
redis.call('HSET', key, 'owner', '')
return {'yes'}
`;

/** ARGV: fence, hash, transaction as JSON. */
const recordTransaction = `
if tonumber(leaseUntil) <= now then return {'no'} end
local field = 'tx:' .. ARGV[2]
if redis.call('HEXISTS', key, field) == 1 then return {'yes'} end
local count = ms(tonumber(recorded) + 1)
redis.call('HSET', key, 'recorded', count, field, count .. ' ' .. ARGV[3])
return {'yes'}
`;

/** A script and not HGETALL, which a cluster client may send to a replica that lags behind. */
const openLane = `
if not exists then return {'none'} end
return {'found', redis.call('HGETALL', key)}
`;

/** ARGV: fence, hashes. */
const retireTransactions = `
for i = 2, #ARGV do redis.call('HDEL', key, 'tx:' .. ARGV[i]) end
return {'yes'}
`;

/** Lua by the name of the operation. */
export const LANE_SCRIPTS = {
  announceOwner: CLOCK + announceOwner,
  acquireLane: prelude + CLOCK + acquireLane,
  renewLane: prelude + CLOCK + owned + renewLane,
  releaseLane: prelude + owned + releaseLane,
  recordTransaction: prelude + CLOCK + owned + recordTransaction,
  openLane: prelude + openLane,
  retireTransactions: prelude + owned + retireTransactions,
};
