-- Record a heartbeat, and what its worker has counted since the last one.
--
-- KEYS     1 workers of a stage (sorted set by the time in ms until which each counts as alive)
--          2 what each of them is doing (hash)  3 shared counts (hash)
-- ARGV     1 worker  2 ms for which it counts as alive  3 ms for which the heartbeat of a dead worker is kept
--          4 JSON: {batch: number of the counts, which grows; running: entries that it runs; slots: the most it runs;
--            version; since: time in ms}
--          5 JSON: the counts by name
-- Returns  nothing. A repeated command counts nothing again.

local workers, activity = KEYS[1], KEYS[2]
local now = now_ms()
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', workers, '-inf', now - tonumber(ARGV[3]))) do
  redis.call('ZREM', workers, worker)
  redis.call('HDEL', activity, worker)
end
redis.call('ZADD', workers, now + tonumber(ARGV[2]), ARGV[1])
redis.call('PEXPIRE', workers, ARGV[3])

local before = redis.call('HGET', activity, ARGV[1])
if not before or cjson.decode(before).batch < cjson.decode(ARGV[4]).batch then
  for name, count in pairs(cjson.decode(ARGV[5])) do redis.call('HINCRBY', KEYS[3], name, count) end
end
redis.call('HSET', activity, ARGV[1], ARGV[4])
redis.call('PEXPIRE', activity, ARGV[3])
