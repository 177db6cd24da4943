-- Commit one transition of a job: record, events and queue entry appear together, or not at all.
--
-- KEYS     1 record
-- ARGV     1 `seq` that the record must have  2 JSON: the plan (see write.lua)
-- Returns  `seq` of the record as it was, 0 if there is no record. The plan was carried out if it is the required one.

local seq = tonumber(redis.call('HGET', KEYS[1], 'seq') or 0)
if seq == tonumber(ARGV[1]) then write(cjson.decode(ARGV[2])) end
return seq
