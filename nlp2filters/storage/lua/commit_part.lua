-- Commit one transition of a part, and what follows for its job.
--
-- KEYS     1 record of the job  2 events of the job (stream)
-- ARGV     1 `seq` that the job's record must have  2 state of the part as it was, or ''  3 its new state
--          4 JSON: {parts: see parts.lua; digest: of the part; done: true if the part has ended;
--            ended: {stats: hash of counters, outcome, ms: that the last attempt took}, or absent;
--            remove_entry: {queue, id}, or absent; requeue: {number, delay_ms} of a new entry, or absent;
--            events: list of [name, data, key]; progress: members of the event that counts the parts;
--            gather: the plan (see write.lua) if this is the last part to end, or absent;
--            end_job: the plan that ends the job with this part, or absent; ttl_ms: for the record and the events}
-- Returns  'committed', or 'changed' if the job or the part has changed and nothing was written. A repeated command
--          gives the same answer, unless the job has gone on meanwhile.

local record, stream = KEYS[1], KEYS[2]
local commit = cjson.decode(ARGV[4])
local parts, digest = commit.parts, commit.digest
local PROGRESS_MS = 500

local function publish_progress()
  local now, total = now_ms(), tonumber(redis.call('HGET', parts.states, 'total'))
  local done = total - count_unfinished(parts)
  if done < total and now - tonumber(redis.call('HGET', parts.states, 'published_at') or 0) < PROGRESS_MS then return end
  redis.call('HSET', parts.states, 'published_at', now)
  local data = commit.progress
  data.parts, data.parts_done, data.detail = total, done, string.format('%d of %d parts done', done, total)
  publish(stream, 'progress', cjson.encode(data), commit.ttl_ms)
end

local before = redis.call('HGET', parts.states, digest) or ''
if before == ARGV[3] then return 'committed' end
if tonumber(redis.call('HGET', record, 'seq') or 0) ~= tonumber(ARGV[1]) or before ~= ARGV[2] then return 'changed' end

redis.call('HSET', parts.states, digest, ARGV[3])
if commit.ended then
  redis.call('HINCRBY', commit.ended.stats, commit.ended.outcome, 1)
  redis.call('HINCRBY', commit.ended.stats, 'ms', commit.ended.ms)
end
if commit.end_job then
  write(commit.end_job)
  return 'committed'
end
for _, event in ipairs(commit.events) do
  local is_first = event[3] == '' or redis.call('HSETNX', parts.states, 'told:' .. event[3], 1) == 1
  if is_first then publish(stream, event[1], event[2], commit.ttl_ms) end
end
if commit.remove_entry then remove(parts.open, commit.remove_entry.queue, commit.remove_entry.id) end
if commit.requeue then enqueue(part_entry(parts, digest, commit.requeue.number, commit.requeue.delay_ms)) end
if commit.done then
  redis.call('SREM', parts.queued, digest)
  redis.call('HDEL', parts.open, filled(parts.entry.subject, digest, ''))
  redis.call('PEXPIRE', record, commit.ttl_ms)
  redis.call('PEXPIRE', stream, commit.ttl_ms)
  queue_waiting(parts)
  publish_progress()
  if count_unfinished(parts) == 0 then write(commit.gather) end
end
return 'committed'
