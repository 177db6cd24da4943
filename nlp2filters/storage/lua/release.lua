-- End a worker's lease on an entry: remove the entry from the queue, or make it due again.
--
-- KEYS     1 queue  2 index of unfinished work  3 the worker's own wake-up marker
-- ARGV     1 entry  2 token of the claim  3 '' to remove the entry, else ms from now until it is due again
--          4 '1' to wake this worker: it has passed over entries for which it had no slot
-- Returns  1, or 0 if the lease no longer belongs to this claim and nothing was done

local queue, open, own_wake = KEYS[1], KEYS[2], KEYS[3]
local entry, token, delay_ms = ARGV[1], ARGV[2], ARGV[3]

if ARGV[4] == '1' then
  redis.call('ZADD', own_wake, 0, '0')
  redis.call('PEXPIRE', own_wake, 60000)
end
if redis.call('GET', LEASE .. entry) ~= token then return 0 end
redis.call('DEL', LEASE .. entry)
if delay_ms == '' then
  remove(open, queue, entry)
elseif redis.call('ZSCORE', queue .. ':all', entry) then -- The job's own commit may have replaced the entry.
  local due = now_ms() + tonumber(delay_ms)
  redis.call('ZADD', queue, due, entry)
  redis.call('ZADD', queue .. ':all', due, entry)
  wake(queue, lane_of(group_of(open, queue, entry)))
end
return 1
