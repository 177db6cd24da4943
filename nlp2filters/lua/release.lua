-- End a worker's hold on an entry: take it out of the queue, or make it due again.
--
-- KEYS  1 queue (sorted set)  2 wake-up marker (sorted set)  3 lease  4 ARQ job  5 ARQ's count of tries  6 count of crashes
-- ARGV  1 entry id  2 the claim's token  3 '' to take it out, else ms from now until it is due again
-- Returns 1, or 0 where the lease is not the claim's any more and nothing was done.

local queue, wake, lease, job, tries, crashes = unpack(KEYS)
local id, token, wait = ARGV[1], ARGV[2], ARGV[3]

if redis.call('GET', lease) ~= token then return 0 end
redis.call('DEL', lease)
if wait == '' then
  redis.call('ZREM', queue, id)
  redis.call('DEL', job, tries, crashes)
else
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZADD', queue, 'XX', now + tonumber(wait), id)
  redis.call('ZADD', wake, 0, '0')
end
return 1
