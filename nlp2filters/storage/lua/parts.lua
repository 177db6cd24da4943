-- The parts into which a stage has split its job. A table PARTS describes them; storage/parts.py makes it:
--
--   states    hash: the state of each part by its digest, once it was begun; `order`: all digests, in order;
--             `total`: the number of different ones; `published_at`: the time of the latest progress event in ms;
--             `told:{key}`: events that were published
--   waiting   list: digests of the parts that have no queue entry yet
--   queued    set: digests of the parts that have one
--   payloads  hash: the payload of each part by its digest
--   job       the job; split_jobs: set of all that are split at its stage
--   open      index of unfinished work
--   entry     the queue entry of a part (see queue.lua), in which {digest} and {number} are placeholders
--   number    number of a part's first entry
--   at_once   the most parts that have an entry, so that a large job does not fill the queue
--   ttl_ms    ms for which all this is kept

local function filled(text, digest, number)
  return (string.gsub(string.gsub(text, '{digest}', digest), '{number}', number))
end

local function part_entry(parts, digest, number, delay_ms)
  local entry = { delay_ms = delay_ms }
  for _, name in ipairs({ 'queue', 'open', 'ttl_ms', 'group' }) do entry[name] = parts.entry[name] end
  for _, name in ipairs({ 'subject', 'id', 'key', 'data' }) do
    entry[name] = filled(parts.entry[name], digest, string.format('%d', number))
  end
  return entry
end

local function count_unfinished(parts)
  return redis.call('LLEN', parts.waiting) + redis.call('SCARD', parts.queued)
end

-- Give entries to as many waiting parts as may have one.
local function queue_waiting(parts)
  local free = parts.at_once - redis.call('SCARD', parts.queued)
  for _ = 1, free do
    local digest = redis.call('LPOP', parts.waiting)
    if not digest then break end
    redis.call('SADD', parts.queued, digest)
    enqueue(part_entry(parts, digest, parts.number, 0))
  end
  for _, key in ipairs({ parts.states, parts.waiting, parts.queued, parts.payloads }) do
    redis.call('PEXPIRE', key, parts.ttl_ms)
  end
end

-- Begin the parts with the digests `todo`; the results of all others in `order` are known, and events about them with
-- the keys `event_keys` are published.
local function split(parts, order, total, todo, event_keys)
  redis.call('HSET', parts.states, 'order', order, 'total', total)
  redis.call('DEL', parts.waiting, parts.queued)
  for _, key in ipairs(event_keys or {}) do redis.call('HSET', parts.states, 'told:' .. key, 1) end
  redis.call('SADD', parts.split_jobs, parts.job)
  for _, digest in ipairs(todo) do
    redis.call('HDEL', parts.states, digest)
    redis.call('RPUSH', parts.waiting, digest)
  end
  queue_waiting(parts)
end

-- End the parts, with their entries and leases: nobody needs them any more.
local function drop(parts)
  for _, digest in ipairs(redis.call('SMEMBERS', parts.queued)) do
    local subject = filled(parts.entry.subject, digest, '')
    local queue, entry = place_of(parts.open, subject)
    if entry then
      remove(parts.open, queue, entry)
      redis.call('HDEL', parts.open, subject)
    end
  end
  redis.call('DEL', parts.states, parts.waiting, parts.queued, parts.payloads)
  redis.call('SREM', parts.split_jobs, parts.job)
end
