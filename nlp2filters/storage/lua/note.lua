-- Note an attempt to deliver a webhook, unless somebody else has noted another since the log was read.
--
-- KEYS  1 log of the deliveries (list)  2 index of unfinished work
-- ARGV  1 id of the job or batch  2 the note  3 how many notes were read  4 how long the log is kept, in ms
--       5 '1' where this was the last attempt
-- Returns 1, or 0 where it was refused. Sent again, it notes nothing more.

local log, open = KEYS[1], KEYS[2]
local subject, note, read = ARGV[1], ARGV[2], tonumber(ARGV[3])

local length = redis.call('LLEN', log)
if length == read + 1 and redis.call('LINDEX', log, -1) == note then return 1 end
if length ~= read then return 0 end
redis.call('RPUSH', log, note)
redis.call('PEXPIRE', log, ARGV[4])
if ARGV[5] == '1' then redis.call('HDEL', open, subject) end
return 1
