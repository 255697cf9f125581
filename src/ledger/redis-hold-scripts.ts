import { CLOCK } from "./redis-scripts.ts";

/**
 * KEYS: the two of an account. A hash has the amount of each hold (`id:<id>`) and their `total`, a sorted set the ids
 * by their end. With the total at hand a hold costs the same however many there are. Both expire with the last hold.
 *
 * Amounts are decimal strings without leading zeros, and are added 14 digits at a time: exact in Lua's numbers.
 */
const prelude = `
${CLOCK}
local holds, ends = KEYS[1], KEYS[2]

-- a + sign * b; nothing when it is negative.
local function sum(a, b, sign)
  if #a < 15 and #b < 15 then
    local result = tonumber(a) + sign * tonumber(b)
    return result >= 0 and ms(result) or nil
  end
  local digits, carry = '', 0
  while a ~= '' or b ~= '' do
    local limb = (tonumber(string.sub(a, -14)) or 0) + sign * (tonumber(string.sub(b, -14)) or 0) + carry
    carry = math.floor(limb / 1e14)
    digits = string.format('%014.0f', limb - carry * 1e14) .. digits
    a, b = string.sub(a, 1, -15), string.sub(b, 1, -15)
  end
  if carry < 0 then return nil end
  return (string.gsub(ms(carry) .. digits, '^0+(%d)', '%1'))
end
`;

/** ARGV: id, amount, available, ttlMs. Sweeps what has ended a little at a time, and all of it before it says no. */
const hold = `
local function sweep()
  local ended = redis.call('ZRANGEBYSCORE', ends, '-inf', ms(now), 'LIMIT', '0', '100')
  if #ended == 0 then return false end
  local total, fields = redis.call('HGET', holds, 'total'), {}
  for i, id in ipairs(ended) do fields[i] = 'id:' .. id end
  for _, amount in ipairs(redis.call('HMGET', holds, unpack(fields))) do
    total = total and amount and sum(total, amount, -1)
  end
  if not total then return nil end
  redis.call('HSET', holds, 'total', total)
  redis.call('HDEL', holds, unpack(fields))
  redis.call('ZREM', ends, unpack(ended))
  return #ended == 100
end

local field = 'id:' .. ARGV[1]
local more, total, old, fits
repeat
  more = sweep()
  if more == nil then return {'malformed'} end
  total, old = unpack(redis.call('HMGET', holds, 'total', field))
  total = total or '0'
  if old then total = sum(total, old, -1) end
  if not total then return {'malformed'} end
  total = sum(total, ARGV[2], 1)
  fits = sum(ARGV[3], total, -1)
until fits or not more
if not fits then return {'no'} end
local untilMs = ms(now + tonumber(ARGV[4]))
redis.call('HSET', holds, 'total', total, field, ARGV[2])
redis.call('ZADD', ends, untilMs, ARGV[1])
local last = ms(tonumber(redis.call('ZRANGE', ends, '-1', '-1', 'WITHSCORES')[2]))
redis.call('PEXPIREAT', holds, last)
redis.call('PEXPIREAT', ends, last)
return {'yes'}
`;

/** ARGV: id. */
const unhold = `
local field = 'id:' .. ARGV[1]
local total, amount = unpack(redis.call('HMGET', holds, 'total', field))
if not amount then return {'yes'} end
total = sum(total, amount, -1)
if not total then return {'malformed'} end
redis.call('ZREM', ends, ARGV[1])
redis.call('HDEL', holds, field)
if redis.call('HLEN', holds) == 1 then redis.call('DEL', holds) else redis.call('HSET', holds, 'total', total) end
return {'yes'}
`;

/** Lua by the name of the operation. */
export const HOLD_SCRIPTS = { hold: prelude + hold, unhold: prelude + unhold };
