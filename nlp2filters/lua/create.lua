-- New jobs: all of them with their events and queue entries, and what keeps a request from being carried out twice; or
-- nothing.
--
-- KEYS  1 queue (see queue.lua)  2 owner's pending jobs (sorted set by the time until which they count)
--       3 owner's index (sorted set)  4 the idempotency key (string)
-- ARGV  1 {backlog, pending: the most there may be, 0 for any number;
--         once: {value, ttl_ms} for the idempotency key, or absent; score, oldest, ttl_ms: for the index;
--         batch: {record, open, events, fields, ttl_ms, started}, or absent}
--       2… the plans (see write.lua)
-- Returns 'created', 'backlog', 'pending', or the value of an idempotency key that was used before.

local ask = cjson.decode(ARGV[1])
local queue, pending, index, once = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local count = #ARGV - 1

if ask.once then
  local before = redis.call('GET', once)
  if before then return before end
end
local first = cjson.decode(ARGV[2])
if redis.call('EXISTS', first.keys.record) == 1 then return 'created' end -- ours, sent again

if ask.backlog > 0 and redis.call('ZCARD', queue .. ':all') + count > ask.backlog then return 'backlog' end
if ask.pending > 0 and redis.call('ZCOUNT', pending, now_ms(), '+inf') + count > ask.pending then return 'pending' end

for i = 2, #ARGV do
  local plan = cjson.decode(ARGV[i])
  write(plan)
  redis.call('ZADD', index, ask.score, plan.id)
  redis.call('ZADD', pending, now_ms() + plan.ttl_ms, plan.id)
  redis.call('PEXPIRE', pending, plan.ttl_ms)
  redis.call('HINCRBY', plan.keys.stats, 'created', 1)
  if ask.batch then redis.call('SADD', ask.batch.open, plan.id) end
end
redis.call('ZREMRANGEBYSCORE', pending, '-inf', now_ms())
redis.call('ZREMRANGEBYSCORE', index, '-inf', '(' .. ask.oldest)
redis.call('PEXPIRE', index, ask.ttl_ms)
if ask.once then redis.call('SET', once, ask.once.value, 'PX', ask.once.ttl_ms) end
if ask.batch then
  redis.call('HSET', ask.batch.record, 'record', ask.batch.fields)
  for _, key in ipairs({ ask.batch.record, ask.batch.open }) do redis.call('PEXPIRE', key, ask.batch.ttl_ms) end
  tell(ask.batch.events, 'status', ask.batch.started, ask.batch.ttl_ms)
end
return 'created'
