-- Commit one transition of a job: record, events and queue entry appear together, or not at all.
--
-- KEYS  1 record
-- ARGV  1 `seq` that the record must have  2 the plan, JSON (see write.lua)
-- Returns the record's `seq` from before, 0 if there is no record. The plan was carried out if it is the expected one.

local seq = tonumber(redis.call('HGET', KEYS[1], 'seq') or 0)
if seq == tonumber(ARGV[1]) then write(cjson.decode(ARGV[2])) end
return seq
