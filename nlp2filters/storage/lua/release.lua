-- End a worker's lease on an entry: remove the entry from the queue, or make it due again.
--
-- KEYS     1 queue  2 index of unfinished work
-- ARGV     1 entry  2 token of the claim  3 '' to remove the entry, else ms from now until it is due again
-- Returns  1, or 0 if another claim has the lease by now and nothing was done; nor is anything done if there is no lease

local queue, open = KEYS[1], KEYS[2]
local entry, token, delay_ms = ARGV[1], ARGV[2], ARGV[3]

local holder = redis.call('GET', LEASE .. entry)
if holder ~= token then return holder and 0 or 1 end -- The job's own commit may have removed the entry with its lease.
redis.call('DEL', LEASE .. entry)
if delay_ms == '' then
  remove(open, queue, entry)
elseif redis.call('ZSCORE', queue .. ':all', entry) then -- A commit of the version before keeps the lease.
  local due = now_ms() + tonumber(delay_ms)
  redis.call('ZADD', queue, due, entry)
  redis.call('ZADD', queue .. ':all', due, entry)
  wake(queue, lane_of(group_of(open, queue, entry)))
end
return 1
