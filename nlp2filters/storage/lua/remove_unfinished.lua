-- Remove an id from the index of unfinished work, unless its value there has changed.
--
-- KEYS     1 index of unfinished work
-- ARGV     1 id of a job or batch  2 its queue as last read  3 its entry as last read
-- Returns  nothing

local queue, entry = place_of(KEYS[1], ARGV[1])
if (queue or '') == ARGV[2] and (entry or '') == ARGV[3] then redis.call('HDEL', KEYS[1], ARGV[1]) end
