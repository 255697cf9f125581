/** Which payments a transaction carries: one key a transaction, so that it runs on Redis Cluster. */

/** ARGV: payment keys as JSON, ttlMs. They are kept for never less long than before. */
const index = `
local left = redis.call('PTTL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', string.format('%.0f', math.max(left, tonumber(ARGV[2]))))
return {'yes'}
`;

/** A script and not GET, which a cluster client may send to a replica that lags behind. */
const paymentsOf = `
local keys = redis.call('GET', KEYS[1])
if not keys then return {'none'} end
return {'found', keys}
`;

/** Lua by the name of the operation. */
export const INDEX_SCRIPTS = { index, paymentsOf };
