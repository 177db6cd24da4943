-- `write(plan)`, which carries out every commit. The plan contains names of keys, as the service has one Redis server.
-- storage/commits.py makes it.
--
-- The plan:
--   keys          names: record (hash), events (stream), pending (the owner's sorted set), tombstone (string), stats,
--                 open, counts (hashes), failed (sorted set of the latest failed jobs)
--   id            the job
--   owner         the job's owner
--   status        the job's status; done: true if the job has ended
--   fields        fields to set in the record
--   events        list of [name, data]
--   ttl_ms        remaining lifetime of record and events; tombstone_ttl_ms: of the tombstone, which outlives them
--   entry         a queue entry to add (see queue.lua); or absent
--   remove_entry  {queue, id}: a queue entry to remove; or absent
--   split         {parts: see parts.lua, order, total, todo, event_keys}: the parts into which the job is split; or absent
--   drop_parts    the parts (see parts.lua) that the job has had until now; or absent
--   revoke_lease  key of the lease to revoke from the worker that runs the job; or absent
--   message       {key, data, ttl_ms}: the webhook's message; or absent
--   counts        numbers to add to the shared counts, by name
--   batch         the batch of a job that has ended: {events, open, record: names, data: of the job's event, ended: of
--                 the batch's last event, entry, message: {key, ttl_ms}}; or absent. The batch's record gives the
--                 receiver for the entry's group and for the message
--
-- The first write of a script must be the HSET here: Redis refuses it when it is out of memory, and then nothing has
-- been written. After a write that is never refused, Redis would let the rest pass.

-- The message contains the event, so that those who follow the stream need not read it.
local function append_event(stream, name, data)
  local id = redis.call('XADD', stream, 'MAXLEN', '~', 1000, '*', 'event', name, 'data', data)
  redis.call('PUBLISH', stream, id .. '\n' .. name .. '\n' .. data)
end

local function publish(stream, name, data, ttl_ms)
  append_event(stream, name, data)
  redis.call('PEXPIRE', stream, ttl_ms)
end

-- Return the names and values of a table, one after the other, as HSET takes them.
local function flat(fields)
  local words = {}
  for name, value in pairs(fields) do
    words[#words + 1] = name
    words[#words + 1] = value
  end
  return words
end

local function add_counts(key, counts)
  for name, count in pairs(counts) do redis.call('HINCRBY', key, name, count) end
end

-- Remember a failure for the operator: the latest 500 are enough.
local function add_failure(key, id, ttl_ms)
  redis.call('ZADD', key, now_ms(), id)
  redis.call('ZREMRANGEBYRANK', key, 0, -501)
  redis.call('PEXPIRE', key, ttl_ms)
end

local function end_in_batch(plan)
  local batch = plan.batch
  if redis.call('SREM', batch.open, plan.id) == 0 then return end
  publish(batch.events, 'job', batch.data, plan.ttl_ms)
  for _, key in ipairs({ batch.open, batch.record }) do redis.call('PEXPIRE', key, plan.ttl_ms) end
  if redis.call('SCARD', batch.open) > 0 then return end
  publish(batch.events, 'done', batch.ended, plan.ttl_ms)
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
  redis.call('HSET', keys.record, unpack(flat(plan.fields)))
  redis.call('PEXPIRE', keys.record, plan.ttl_ms)
  redis.call('SET', keys.tombstone, plan.owner, 'PX', plan.tombstone_ttl_ms)
  for _, event in ipairs(plan.events) do append_event(keys.events, event[1], event[2]) end
  if #plan.events > 0 then redis.call('PEXPIRE', keys.events, plan.ttl_ms) end
  if plan.done then
    redis.call('ZREM', keys.pending, plan.id)
    redis.call('HINCRBY', keys.stats, plan.status, 1)
    if plan.status == 'failed' then add_failure(keys.failed, plan.id, plan.ttl_ms) end
  end
  if plan.remove_entry then remove(keys.open, plan.remove_entry.queue, plan.remove_entry.id) end
  if plan.drop_parts then drop(plan.drop_parts) end
  if plan.revoke_lease then redis.call('SET', plan.revoke_lease, 'canceled', 'XX', 'KEEPTTL') end
  if plan.message then redis.call('SET', plan.message.key, plan.message.data, 'PX', plan.message.ttl_ms) end
  if plan.entry then
    enqueue(plan.entry)
  elseif plan.done or plan.split then
    redis.call('HDEL', keys.open, plan.id)
  end
  if plan.split then split(plan.split.parts, plan.split.order, plan.split.total, plan.split.todo, plan.split.event_keys) end
  if plan.batch then end_in_batch(plan) end
  add_counts(keys.counts, plan.counts)
end
