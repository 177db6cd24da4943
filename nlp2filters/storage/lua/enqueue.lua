-- Queue a delivery: one that somebody asks for anew, or one that has lost its entry.
--
-- KEYS  1 log of the deliveries (list)
-- ARGV  1 what to note there, or ''  2 how long it is kept, in ms  3 JSON: the entry (see queue.lua)
-- Who asks at the same time adds the same entry.

local entry = cjson.decode(ARGV[3])
if ARGV[1] ~= '' then
  redis.call('RPUSH', KEYS[1], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
if not redis.call('ZSCORE', entry.queue .. ':all', entry.id) then enqueue(entry) end
