-- Renew the leases of the entries that a worker still runs. An expired lease is taken up again if nobody else has
-- claimed the entry since, so that an outage of Redis costs no attempt.
--
-- KEYS     1 queue  2 index of unfinished work
-- ARGV     1 lease in ms  2… entry, token of its claim, …
-- Returns  the entries whose lease was revoked, or belongs to another worker by now

local queue, open, lease_ms = KEYS[1], KEYS[2], tonumber(ARGV[1])
local now = now_ms()

local lost = {}
for i = 2, #ARGV, 2 do
  local entry, token = ARGV[i], ARGV[i + 1]
  local holder = redis.call('GET', LEASE .. entry)
  -- The entry is not in the queue if the worker's own commit has removed it.
  local queued = redis.call('ZSCORE', queue .. ':all', entry)
  if holder == token or (not holder and queued and redis.call('GET', CLAIM .. entry) == token) then
    if not holder then withdraw(queue, entry, group_of(open, queue, entry)) end
    redis.call('SET', LEASE .. entry, token, 'PX', lease_ms)
    if queued then
      redis.call('ZADD', queue, now + lease_ms + 1, entry)
      redis.call('ZADD', queue .. ':all', now + lease_ms + 1, entry)
    end
  else
    lost[#lost + 1] = entry
  end
end
return lost
