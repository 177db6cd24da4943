-- Log an attempt to deliver a webhook, unless another attempt was logged since the log was read.
--
-- KEYS     1 log of the attempts (list)  2 index of unfinished work  3 deliveries that were given up (sorted set)
--          4… the message, and the job or batch: if none of them exists, all about the delivery was erased
-- ARGV     1 id of the job or batch  2 JSON: the attempt  3 length of the log when it was read
--          4 ms for which the log is kept  5 '1' if this is the last attempt
--          6 '1' if it was successful
-- Returns  1, or 0 if the log has grown or was erased, and nothing was written. A repeated command writes nothing more.

local log, open = KEYS[1], KEYS[2]
local subject, attempt, length_read = ARGV[1], ARGV[2], tonumber(ARGV[3])

if redis.call('EXISTS', unpack(KEYS, 4)) == 0 then return 0 end
local length = redis.call('LLEN', log)
if length == length_read + 1 and redis.call('LINDEX', log, -1) == attempt then return 1 end
if length ~= length_read then return 0 end
redis.call('RPUSH', log, attempt)
redis.call('PEXPIRE', log, ARGV[4])
if ARGV[5] == '1' then redis.call('HDEL', open, subject) end
if ARGV[5] == '1' and ARGV[6] == '0' then
  redis.call('ZADD', KEYS[3], now_ms(), subject)
  redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -501)
  redis.call('PEXPIRE', KEYS[3], ARGV[4])
end
return 1
