-- Keep a derived result, if it fits its owner's quota. One that is there already is kept for the full time again.
--
-- KEYS     1 result (string)  2 bytes of results that the owner has added (see quota.lua)
--          3 record of the job for which it was computed; absent if it is for none
-- ARGV     1 result  2 ms for which it is kept  3 JSON: the quota
-- Returns  0, or the seconds until there will be room. Nothing is written for a job that was deleted.

if KEYS[3] and redis.call('EXISTS', KEYS[3]) == 0 then return 0 end
local result, added, quota = KEYS[1], KEYS[2], cjson.decode(ARGV[3])
if redis.call('PEXPIRE', result, ARGV[2]) == 1 then return 0 end
local bytes = #ARGV[1] + #result
local wait_s = exceeded(added, quota, bytes)
if wait_s then return wait_s end
redis.call('SET', result, ARGV[1], 'PX', ARGV[2])
charge(added, quota, bytes)
return 0
