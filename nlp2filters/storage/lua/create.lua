-- Create jobs: write all of them with their events, queue entries and idempotency key, or nothing.
--
-- KEYS     1 queue (see queue.lua)  2 owner's pending jobs (sorted set by the time in ms until which each counts)
--          3 owner's jobs (sorted set by creation time)  4 idempotency key (string)
--          5 bytes that the owner has added (see quota.lua)
-- ARGV     1 JSON: {backlog, pending: maximum counts, 0 for no limit;
--            quota: see quota.lua; derived: bytes that the stages of the jobs are going to add;
--            idempotency: {value, ttl_ms} of the key, or absent; created_at, oldest, ttl_ms: for the owner's jobs;
--            parts: keys of the contents; dependencies: keys that must live as long as the jobs, if they expire at all;
--            batch: {record, open, events, fields, ttl_ms, started, trace or absent}, or absent}
--          2… the contents of the parts, then the plans (see write.lua)
-- Returns  'created', 'backlog', 'pending', 'bytes:' and the seconds until there is room, or the value of an
--          idempotency key that has been used before

local submission = cjson.decode(ARGV[1])
local idempotency, batch, ttl_ms = submission.idempotency, submission.batch, submission.ttl_ms
local queue, pending, index, idempotency_key, added = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local first_plan = 2 + #submission.parts
local count = #ARGV - first_plan + 1

if idempotency then
  local before = redis.call('GET', idempotency_key)
  if before then return before end
end
local first = cjson.decode(ARGV[first_plan])
if redis.call('EXISTS', first.keys.record) == 1 then return 'created' end -- This command was repeated.

local function above(limit, current)
  return limit > 0 and current + count > limit
end

if above(submission.backlog, redis.call('ZCARD', queue .. ':all')) then return 'backlog' end
if above(submission.pending, redis.call('ZCOUNT', pending, now_ms(), '+inf')) then return 'pending' end

local bytes = submission.derived
for i, key in ipairs(submission.parts) do
  if redis.call('EXISTS', key) == 0 then bytes = bytes + #ARGV[1 + i] end
end
for i = first_plan, #ARGV do bytes = bytes + #ARGV[i] end
local wait_s = exceeded(added, submission.quota, bytes)
if wait_s then return 'bytes:' .. wait_s end

local function keep(key)
  local left_ms = redis.call('PTTL', key)
  if left_ms >= 0 and left_ms < ttl_ms then redis.call('PEXPIRE', key, ttl_ms) end
end

for i, key in ipairs(submission.parts) do -- SET may come first: Redis refuses it, too, when it is out of memory.
  redis.call('SET', key, ARGV[1 + i], 'NX', 'PX', ttl_ms)
end
for i = first_plan, #ARGV do
  local plan = cjson.decode(ARGV[i])
  write(plan)
  redis.call('ZADD', index, submission.created_at, plan.id)
  redis.call('ZADD', pending, now_ms() + plan.ttl_ms, plan.id)
  redis.call('PEXPIRE', pending, plan.ttl_ms)
  redis.call('HINCRBY', plan.keys.stats, 'created', 1)
  if batch then redis.call('SADD', batch.open, plan.id) end
end
for _, key in ipairs(submission.parts) do keep(key) end
for _, key in ipairs(submission.dependencies) do keep(key) end
charge(added, submission.quota, bytes)
redis.call('ZREMRANGEBYSCORE', pending, '-inf', now_ms())
redis.call('ZREMRANGEBYSCORE', index, '-inf', '(' .. submission.oldest)
redis.call('PEXPIRE', index, ttl_ms)
if idempotency then redis.call('SET', idempotency_key, idempotency.value, 'PX', idempotency.ttl_ms) end
if batch then
  redis.call('HSET', batch.record, 'record', batch.fields)
  if batch.trace then redis.call('HSET', batch.record, 'trace', batch.trace) end
  for _, key in ipairs({ batch.record, batch.open }) do redis.call('PEXPIRE', key, batch.ttl_ms) end
  publish(batch.events, 'status', batch.started, batch.ttl_ms)
end
return 'created'
