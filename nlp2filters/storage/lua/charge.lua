-- Charge bytes to an owner's quota if they fit.
--
-- KEYS     1 bytes that the owner has added (see quota.lua)
-- ARGV     1 JSON: the quota  2 bytes to add
-- Returns  0, or the seconds until there will be room

local quota = cjson.decode(ARGV[1])
local wait_s = exceeded(KEYS[1], quota, tonumber(ARGV[2]))
if wait_s then return wait_s end
charge(KEYS[1], quota, ARGV[2])
return 0
