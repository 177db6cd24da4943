-- What every commit writes: `write(plan)`, and the names of keys are in the plan, since the service has one server.
--
-- The plan:
--   keys     names: record (hash), events (stream), index, pending (owner's sorted sets), known (string), stats (hash)
--   id       the job
--   owner    whose it is
--   status   the job's status; `done` whether it has ended
--   fields   what to set in the record
--   events   list of [name, data]
--   ttl_ms   how long record and events are kept from now on; known_ttl_ms the same for the note that it existed
--   entry    {queue, wake, key, id, data, ttl_ms}: a queue entry, due at once; or absent
--   release  {queue, key, id}: a queue entry to take out; or absent
--   evict    the lease of the worker that runs the job, to take away from it; or absent
--   batch    {events, open, record: names, data, ended: of its events, entry}: the batch of a job that has ended; or absent
--
-- The first write of a script must be the HSET here: Redis refuses it when it is out of memory, and then nothing has
-- been written. After a write that is never refused, Redis would let the rest pass.

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function enqueue(entry)
  redis.call('SET', entry.key, entry.data, 'PX', entry.ttl_ms)
  redis.call('ZADD', entry.queue, now_ms(), entry.id)
  redis.call('ZADD', entry.wake, 0, '0')
end

local function add(stream, name, data)
  local id = redis.call('XADD', stream, 'MAXLEN', '~', 1000, '*', 'event', name, 'data', data)
  redis.call('PUBLISH', stream, id)
end

local function tell(stream, name, data, ttl_ms)
  add(stream, name, data)
  redis.call('PEXPIRE', stream, ttl_ms)
end

local function end_in_batch(plan)
  local batch = plan.batch
  if redis.call('SREM', batch.open, plan.id) == 0 then return end
  tell(batch.events, 'job', batch.data, plan.ttl_ms)
  for _, key in ipairs({ batch.open, batch.record }) do redis.call('PEXPIRE', key, plan.ttl_ms) end
  if redis.call('SCARD', batch.open) > 0 then return end
  tell(batch.events, 'done', batch.ended, plan.ttl_ms)
  if batch.entry then enqueue(batch.entry) end
end

local function write(plan)
  local keys = plan.keys
  for field, value in pairs(plan.fields) do
    redis.call('HSET', keys.record, field, value)
  end
  redis.call('PEXPIRE', keys.record, plan.ttl_ms)
  redis.call('SET', keys.known, plan.owner, 'PX', plan.known_ttl_ms)
  for _, event in ipairs(plan.events) do
    tell(keys.events, event[1], event[2], plan.ttl_ms)
  end
  if plan.done then
    redis.call('ZREM', keys.pending, plan.id)
    redis.call('HINCRBY', keys.stats, plan.status, 1)
  end
  if plan.release then
    redis.call('ZREM', plan.release.queue, plan.release.id)
    redis.call('DEL', plan.release.key)
  end
  if plan.evict then redis.call('SET', plan.evict, 'canceled', 'XX', 'KEEPTTL') end
  if plan.entry then enqueue(plan.entry) end
  if plan.batch then end_in_batch(plan) end
end
