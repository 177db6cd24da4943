-- Create jobs: write all of them with their events, queue entries and idempotency key, or nothing.
--
-- KEYS  1 queue (see queue.lua)  2 owner's pending jobs (sorted set; the score is the time until which a job counts)
--       3 owner's index (sorted set)  4 the idempotency key (string)  5 the bytes that the owner has added (quota.lua)
-- ARGV  1 {backlog, pending: maximum counts, 0 for no limit;
--         quota: see quota.lua; derived: bytes that the stages of the jobs are going to add;
--         once: {value, ttl_ms} for the idempotency key, or absent; score, oldest, ttl_ms: for the index;
--         parts: keys of the contents; kept: keys that must live as long as the jobs, if they expire at all;
--         batch: {record, open, events, fields, ttl_ms, started}, or absent}
--       2… the contents of the parts, then the plans (see write.lua)
-- Returns 'created', 'backlog', 'pending', 'bytes:' and the seconds until there is room, or the value of an idempotency
-- key that has been used before.

local ask = cjson.decode(ARGV[1])
local queue, pending, index, once, added = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local first_plan = 2 + #ask.parts
local count = #ARGV - first_plan + 1

if ask.once then
  local before = redis.call('GET', once)
  if before then return before end
end
local first = cjson.decode(ARGV[first_plan])
if redis.call('EXISTS', first.keys.record) == 1 then return 'created' end -- This is a replay of the same command.

if ask.backlog > 0 and redis.call('ZCARD', queue .. ':all') + count > ask.backlog then return 'backlog' end
if ask.pending > 0 and redis.call('ZCOUNT', pending, now_ms(), '+inf') + count > ask.pending then return 'pending' end

local bytes = ask.derived
for i, key in ipairs(ask.parts) do
  if redis.call('EXISTS', key) == 0 then bytes = bytes + #ARGV[1 + i] end
end
for i = first_plan, #ARGV do bytes = bytes + #ARGV[i] end
local wait_s = exceeded(added, ask.quota, bytes)
if wait_s then return 'bytes:' .. wait_s end

local function keep(key)
  local left_ms = redis.call('PTTL', key)
  if left_ms >= 0 and left_ms < ask.ttl_ms then redis.call('PEXPIRE', key, ask.ttl_ms) end
end

for i, key in ipairs(ask.parts) do -- SET may come first: Redis refuses it, too, when it is out of memory.
  redis.call('SET', key, ARGV[1 + i], 'NX', 'PX', ask.ttl_ms)
end
for i = first_plan, #ARGV do
  local plan = cjson.decode(ARGV[i])
  write(plan)
  redis.call('ZADD', index, ask.score, plan.id)
  redis.call('ZADD', pending, now_ms() + plan.ttl_ms, plan.id)
  redis.call('PEXPIRE', pending, plan.ttl_ms)
  redis.call('HINCRBY', plan.keys.stats, 'created', 1)
  if ask.batch then redis.call('SADD', ask.batch.open, plan.id) end
end
for _, key in ipairs(ask.parts) do keep(key) end
for _, key in ipairs(ask.kept) do keep(key) end
charge(added, ask.quota, bytes)
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
