-- Renew the leases of the entries that a worker still runs.
--
-- KEYS  1 queue (sorted set)
-- ARGV  1 lease in ms  2 prefix of the lease keys  3… entry id, token of its claim, …
-- Returns the ids whose lease is not the claim's any more.

local queue, lease, prefix = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local lost = {}
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  if redis.call('GET', prefix .. id) == ARGV[i + 1] then
    redis.call('PEXPIRE', prefix .. id, lease)
    redis.call('ZADD', queue, 'XX', now + lease + 1, id)
  else
    lost[#lost + 1] = id
  end
end
return lost
