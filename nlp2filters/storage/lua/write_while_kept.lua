-- Write something that belongs to a job or an index, unless that was deleted in the meantime.
--
-- KEYS     1 key to write  2 record of the job, or the index, that must exist; absent if nothing must
-- ARGV     1 ms for which it is kept  2 command that writes it  3… the command's further arguments
-- Returns  1, or 0 if nothing was written

if KEYS[2] and redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call(ARGV[2], KEYS[1], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
