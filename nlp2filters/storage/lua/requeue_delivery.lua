-- Queue a delivery that was requested again, or that has lost its entry.
--
-- KEYS     1 log of the attempts (list)
-- ARGV     1 JSON: a record of the request to append to the log, or ''  2 ms for which the log is kept
--          3 JSON: the entry (see queue.lua)
-- Returns  nothing. Concurrent requests add the same entry.

local entry = cjson.decode(ARGV[3])
if ARGV[1] ~= '' then
  redis.call('RPUSH', KEYS[1], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
if not redis.call('ZSCORE', entry.queue .. ':all', entry.id) then enqueue(entry) end
