-- Queue a search (see queue.lua). Nobody looks for it once its entry has expired, so it is no unfinished work.
--
-- KEYS     1 queue  2 key of the entry
-- ARGV     1 entry  2 its data  3 ms after which nobody waits for it any more  4 group  5 maximum of the queue's length
-- Returns  1, or 0 if the queue is full: nothing was written

local queue, key = KEYS[1], KEYS[2]
local entry, data, ttl_ms, group, backlog = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])

if backlog > 0 and redis.call('ZCARD', queue .. ':all') >= backlog then return 0 end
redis.call('SET', key, data, 'PX', ttl_ms)
redis.call('ZADD', queue .. ':all', now_ms(), entry)
make_ready(queue, entry, group, now_ms())
return 1
