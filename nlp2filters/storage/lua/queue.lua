-- The queue of a stage. QUEUE is its name, OPEN that of the index of unfinished work. An entry is in one of two places:
--
--   QUEUE               sorted set by time in ms: entries due later, and those under a lease, which are due when it ends
--   QUEUE:ready:GROUP   sorted set by time in ms: the entries of a group that are due now
--
-- Beside them:
--
--   QUEUE:all           sorted set of all entries, by the time at which they are or were due
--   QUEUE:turns:LANE    sorted set of the groups with entries that are due; the group with the lowest turn is served next
--   QUEUE:wake:LANE     one member while there may be something to claim
--   OPEN                hash for all queues: where the entry of each unfinished job or delivery is
--
-- A GROUP is LANE, owner and receiver, with SEPARATOR between them. Its entries wait for each other, not for those of
-- other groups. A value of OPEN is QUEUE, entry and GROUP, again with SEPARATOR between them.

local SEPARATOR = '\31'
local LANE = 'main' -- of entries that an older version of the service has written
local LEASE, DATA, TRIES = 'arq:in-progress:', 'arq:job:', 'arq:retry:'
local CLAIM, CLAIM_KEPT_MS = 'arq:claim:', 86400000 -- the token of an entry's latest claim

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function lane_of(group)
  return string.match(group, '^[^' .. SEPARATOR .. ']*')
end

local function subject_of(entry)
  return string.match(entry, '^(.*):')
end

-- The queue, entry and group in a value of the index.
local function parts_of(value)
  local first = string.find(value, SEPARATOR, 1, true)
  local second = first and string.find(value, SEPARATOR, first + 1, true)
  if second then return value:sub(1, first - 1), value:sub(first + 1, second - 1), value:sub(second + 1) end
end

-- Where the index says that the entry of a job or delivery is: queue, entry, group.
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

-- Let an entry that is due wait among those of its group.
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

-- Take an entry out, wherever it is. The index still has it: only a commit may say that there is nothing more to do.
local function remove(open, queue, entry)
  withdraw(queue, entry, group_of(open, queue, entry))
  redis.call('ZREM', queue, entry)
  redis.call('ZREM', queue .. ':all', entry)
  redis.call('DEL', DATA .. entry, TRIES .. entry, TRIES .. entry .. ':crashes', CLAIM .. entry)
end
