-- Log an attempt to deliver a webhook, unless another attempt was logged since the log was read.
--
-- KEYS  1 log of the deliveries (list)  2 index of unfinished work
-- ARGV  1 id of the job or batch  2 the note  3 length of the log when it was read  4 ms for which the log is kept
--       5 '1' if this was the last attempt
-- Returns 1, or 0 if it was refused. A replay logs nothing more.

local log, open = KEYS[1], KEYS[2]
local subject, note, read = ARGV[1], ARGV[2], tonumber(ARGV[3])

local length = redis.call('LLEN', log)
if length == read + 1 and redis.call('LINDEX', log, -1) == note then return 1 end
if length ~= read then return 0 end
redis.call('RPUSH', log, note)
redis.call('PEXPIRE', log, ARGV[4])
if ARGV[5] == '1' then redis.call('HDEL', open, subject) end
return 1
