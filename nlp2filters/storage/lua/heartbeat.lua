-- Record a heartbeat.
--
-- KEYS     1 workers of a stage (sorted set by the time in ms until which each counts as alive)
-- ARGV     1 worker  2 ms for which it counts as alive  3 ms for which the heartbeat of a dead worker is kept
-- Returns  nothing

local now = now_ms()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[3]))
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
