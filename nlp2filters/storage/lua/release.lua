-- End a worker's hold on an entry: take it out of the queue, or make it due again.
--
-- KEYS  1 queue  2 index of unfinished work  3 the worker's own wake-up marker
-- ARGV  1 entry  2 the claim's token  3 '' to take it out, else ms from now until it is due again
--       4 '1' where the worker has left entries for which it had no slot
-- Returns 1, or 0 where the lease is not the claim's any more and nothing was done.

local queue, open, own_wake = KEYS[1], KEYS[2], KEYS[3]
local entry, token, wait = ARGV[1], ARGV[2], ARGV[3]

if ARGV[4] == '1' then
  redis.call('ZADD', own_wake, 0, '0')
  redis.call('PEXPIRE', own_wake, 60000)
end
if redis.call('GET', LEASE .. entry) ~= token then return 0 end
redis.call('DEL', LEASE .. entry)
if wait == '' then
  remove(open, queue, entry)
elseif redis.call('ZSCORE', queue .. ':all', entry) then -- a commit of its own may have replaced it
  local due = now_ms() + tonumber(wait)
  redis.call('ZADD', queue, due, entry)
  redis.call('ZADD', queue .. ':all', due, entry)
  wake(queue, lane_of(group_of(open, queue, entry)))
end
return 1
