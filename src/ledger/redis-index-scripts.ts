/** Which payments a transaction carries: one key a transaction, so that it runs on Redis Cluster. */

/** ARGV: payment keys as JSON, ttlMs. */
const index = `
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {'yes'}
`;

const paymentsOf = `
local keys = redis.call('GET', KEYS[1])
if not keys then return {'none'} end
return {'found', keys}
`;

/** Lua by the name of the operation. */
export const INDEX_SCRIPTS = { index, paymentsOf };
