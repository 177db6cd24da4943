-- One transition of a job: record, events, owner's index and queue entry appear together, or not at all.
--
-- KEYS  1 record (hash)  2 events (stream)  3 owner's index (sorted set)  4 queue (sorted set)  5 ARQ job (string)
--       6 the queue's wake-up marker (sorted set)
-- ARGV  1 the plan, JSON:
--         expect   `seq` that the record must have; 0: there must be none
--         backlog  entries that the queue may hold already; 0: any number
--         fields   what to set in the record
--         events   list of [name, data]
--         entry    {id, data, ttl_ms}: due at once; or absent
--         listed   {id, score, oldest}: add to the owner's index and drop what is older; absent otherwise
--         ttl_ms   how long record, events and index are kept from now on
-- Returns the record's `seq` from before; the plan was carried out when it is `expect`, and refused for a
-- full queue when it is -1.
--
-- The first write is HSET, which Redis refuses when it is out of memory: then nothing has been written.

local record, events, index, queue, entry_key, wake = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local plan = cjson.decode(ARGV[1])

local seq = tonumber(redis.call('HGET', record, 'seq') or 0)
if seq ~= plan.expect then return seq end
if plan.backlog > 0 and redis.call('ZCARD', queue) >= plan.backlog then return -1 end

for field, value in pairs(plan.fields) do
  redis.call('HSET', record, field, value)
end
redis.call('PEXPIRE', record, plan.ttl_ms)

for _, event in ipairs(plan.events) do
  local id = redis.call('XADD', events, 'MAXLEN', '~', 1000, '*', 'event', event[1], 'data', event[2])
  redis.call('PUBLISH', events, id)
end
redis.call('PEXPIRE', events, plan.ttl_ms)

if plan.listed then
  redis.call('ZADD', index, plan.listed.score, plan.listed.id)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', '(' .. plan.listed.oldest)
  redis.call('PEXPIRE', index, plan.ttl_ms)
end

if plan.entry then
  redis.call('SET', entry_key, plan.entry.data, 'PX', plan.entry.ttl_ms)
  local time = redis.call('TIME')
  redis.call('ZADD', queue, time[1] * 1000 + math.floor(time[2] / 1000), plan.entry.id)
  redis.call('ZADD', wake, 0, '0')
end
return seq
