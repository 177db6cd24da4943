-- Take as many due entries of a queue as there are free slots, each under a lease.
--
-- KEYS  1 queue (sorted set)  2 wake-up marker (sorted set)
-- ARGV  1 slots  2 lease in ms  3 the claim's token  4 prefix of the lease keys
-- Returns {id, score, id, score, …, ms until the next entry is due, or ''}.
--
-- A claimed entry stays in the queue with its score moved past the lease, so that it neither crowds the
-- head nor is lost: when its worker dies, it is simply due again.

local queue, wake = KEYS[1], KEYS[2]
local slots, lease, token, prefix = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local claimed = {}
local due = redis.call('ZRANGEBYSCORE', queue, '-inf', now, 'WITHSCORES', 'LIMIT', 0, slots)
for i = 1, #due, 2 do
  if redis.call('SET', prefix .. due[i], token, 'NX', 'PX', lease) then
    claimed[#claimed + 1] = due[i]
    claimed[#claimed + 1] = due[i + 1]
  end
  redis.call('ZADD', queue, 'XX', now + redis.call('PTTL', prefix .. due[i]) + 1, due[i])
end

local head = redis.call('ZRANGE', queue, 0, 0, 'WITHSCORES')
if #head == 0 then
  claimed[#claimed + 1] = ''
else
  local wait = tonumber(head[2]) - now
  if wait <= 0 then redis.call('ZADD', wake, 0, '0') end -- more than we can take: wake another worker
  claimed[#claimed + 1] = tostring(math.max(wait, 0))
end
return claimed
