-- `write(plan)`, which carries out every commit. The plan contains names of keys, as the service has one Redis server.
--
-- The plan:
--   keys     names: record (hash), events (stream), index, pending (owner's sorted sets), known (string), stats, open
--            (hashes)
--   id       the job
--   owner    the job's owner
--   status   the job's status; done: true if the job has ended
--   fields   fields to set in the record
--   events   list of [name, data]
--   ttl_ms   remaining lifetime of record and events; known_ttl_ms: of the note that the job existed
--   entry    a queue entry to add (see queue.lua); or absent
--   release  {queue, id}: a queue entry to remove; or absent
--   evict    the lease to revoke from the worker that runs the job; or absent
--   message  {key, data, ttl_ms}: the webhook's message; or absent
--   batch    {events, open, record: names, data, ended: of its events, entry, message: {key, ttl_ms}}: the batch of a
--            job that has ended; or absent. Its record gives the receiver for the entry's group and for the message
--
-- The first write of a script must be the HSET here: Redis refuses it when it is out of memory, and then nothing has
-- been written. After a write that is never refused, Redis would let the rest pass.

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
  local record = cjson.decode(redis.call('HGET', batch.record, 'record'))
  if record.notify == cjson.null then return end
  local url = record.request.webhook.url
  local message = cjson.encode({ subject_type = 'batch', owner = plan.owner, url = url })
  redis.call('SET', batch.message.key, message, 'PX', batch.message.ttl_ms)
  batch.entry.group = batch.entry.group .. string.lower(string.match(url, '^%a+://([^/?#]*)') or '')
  enqueue(batch.entry)
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
  if plan.release then remove(keys.open, plan.release.queue, plan.release.id) end
  if plan.evict then redis.call('SET', plan.evict, 'canceled', 'XX', 'KEEPTTL') end
  if plan.message then redis.call('SET', plan.message.key, plan.message.data, 'PX', plan.message.ttl_ms) end
  if plan.entry then
    enqueue(plan.entry)
  elseif plan.done then
    redis.call('HDEL', keys.open, plan.id)
  end
  if plan.batch then end_in_batch(plan) end
end
