-- Renew the leases of the entries that a worker still runs.
--
-- KEYS  1 queue (sorted set)
-- ARGV  1 lease in ms  2 owner  3 prefix of the lease keys  4… entry ids
-- Returns the ids whose lease is not the owner's any more.

local queue, lease, owner, prefix = KEYS[1], tonumber(ARGV[1]), ARGV[2], ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local lost = {}
for i = 4, #ARGV do
  local id = ARGV[i]
  if redis.call('GET', prefix .. id) == owner then
    redis.call('PEXPIRE', prefix .. id, lease)
    redis.call('ZADD', queue, 'XX', now + lease + 1, id)
  else
    lost[#lost + 1] = id
  end
end
return lost
