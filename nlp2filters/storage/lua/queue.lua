-- The queue of a stage. QUEUE is its key, OPEN that of the index of unfinished work. An entry is in one of two places:
--
--   QUEUE               sorted set by time in ms: entries due later, and leased ones, due when their lease ends
--   QUEUE:ready:GROUP   sorted set by time in ms: the entries of a group that are due now
--
-- In addition:
--
--   QUEUE:all           sorted set of all entries, by the time at which they are or were due
--   QUEUE:turns:LANE    sorted set of the groups with due entries; the group with the lowest turn is served next
--   QUEUE:wake:LANE     one member while there may be something to claim
--   QUEUE:more:LANE     one member while there may be entries for which a worker has no slot, as their owner or receiver
--                       has as many there as it may; a worker without any such entries claims them
--   OPEN                hash for all queues: the place of each unfinished job's or delivery's entry
--
-- A GROUP is LANE, owner and receiver, joined by SEPARATOR. Its entries wait for each other, but not for those of other
-- groups. A value of OPEN is QUEUE, entry and GROUP, also joined by SEPARATOR.

local SEPARATOR = '\31'
-- Entries that an older version of the service has written have no lane, and are put into this one.
local LANE = 'main'
local LEASE, DATA, TRIES = 'arq:in-progress:', 'arq:job:', 'arq:retry:'
-- This prefix and an entry make the key of the token of the entry's latest claim. It is kept for a day, as is the number
-- of the entry's claims, which ARQ calls its tries.
local CLAIM, KEPT_MS = 'arq:claim:', 86400000

local function lane_of(group)
  return string.match(group, '^[^' .. SEPARATOR .. ']*')
end

local function subject_of(entry)
  return string.match(entry, '^(.*):')
end

-- Split a value of the index into queue, entry and group.
local function parts_of(value)
  local first = string.find(value, SEPARATOR, 1, true)
  local second = first and string.find(value, SEPARATOR, first + 1, true)
  if second then return value:sub(1, first - 1), value:sub(first + 1, second - 1), value:sub(second + 1) end
end

-- Look up the entry of a job or delivery in the index: queue, entry, group.
local function place_of(open, subject)
  local value = subject and redis.call('HGET', open, subject)
  if value then return parts_of(value) end
end

local function group_of(open, queue, entry)
  local in_queue, in_entry, group = place_of(open, subject_of(entry))
  if in_queue == queue and in_entry == entry then return group end
  return LANE .. SEPARATOR .. SEPARATOR
end

local function wake(queue, lane)
  redis.call('ZADD', queue .. ':wake:' .. lane, 0, '0')
end

-- Move an entry that is due to the ready entries of its group.
local function make_ready(queue, entry, group, since)
  local lane = lane_of(group)
  local turns = queue .. ':turns:' .. lane
  redis.call('ZADD', queue .. ':ready:' .. group, since, entry)
  if not redis.call('ZSCORE', turns, group) then
    local first = redis.call('ZRANGE', turns, 0, 0, 'WITHSCORES')
    redis.call('ZADD', turns, first[2] or 0, group)
  end
  wake(queue, lane)
end

local function withdraw(queue, entry, group)
  local ready = queue .. ':ready:' .. group
  redis.call('ZREM', ready, entry)
  if redis.call('EXISTS', ready) == 0 then redis.call('ZREM', queue .. ':turns:' .. lane_of(group), group) end
end

-- Add an entry {queue, open, subject, id, key, data, ttl_ms, group, delay_ms}.
local function enqueue(entry)
  local due = now_ms() + entry.delay_ms
  redis.call('SET', entry.key, entry.data, 'PX', entry.ttl_ms)
  redis.call('HSET', entry.open, entry.subject, table.concat({ entry.queue, entry.id, entry.group }, SEPARATOR))
  redis.call('ZADD', entry.queue .. ':all', due, entry.id)
  if entry.delay_ms > 0 then
    redis.call('ZADD', entry.queue, due, entry.id)
    wake(entry.queue, lane_of(entry.group))
  else
    make_ready(entry.queue, entry.id, entry.group, due)
  end
end

-- Remove an entry, wherever it is, and the lease on it. It stays in the index: only a commit may state that there is
-- nothing more to do.
local function remove(open, queue, entry)
  if redis.call('ZREM', queue, entry) == 0 then withdraw(queue, entry, group_of(open, queue, entry)) end
  redis.call('ZREM', queue .. ':all', entry)
  redis.call('DEL', LEASE .. entry, CLAIM .. entry, DATA .. entry, TRIES .. entry, TRIES .. entry .. ':crashes')
end
