-- Claim as many due entries as there are free slots, in turn from each group, each with a lease.
--
-- KEYS     1 queue  2 index of unfinished work
-- ARGV     1 lease in ms  2 token of the claim
--          3 JSON: {slots: {lane: count}, owner_slots, receiver_slots: the most that one owner or receiver may have,
--            running: {group: count} of entries that the worker already runs,
--            reads: {prefix, fields}: of the records of the entries' jobs, or absent}
--          4 time at which the command was sent, by this server's clock in ms, or 0
-- Returns  {{{entry, group, ARQ's content of the entry, number of its claims, values of the record's fields}, …},
--          1 if others are due, but their owner or receiver may have no more slots here, else 0,
--          ms until the next entry is due or '', the time in ms}
--
-- A claimed entry stays in the queue, due when its lease ends. So it neither blocks others nor gets lost: if its worker
-- dies, it is simply due again.

local queue, open = KEYS[1], KEYS[2]
local lease_ms, token, limits = tonumber(ARGV[1]), ARGV[2], cjson.decode(ARGV[3])
local MAX_MOVED, WINDOW, MAX_WINDOWS = 500, 100, 20
-- Once the records that were read have so many bytes, the worker has to read further ones itself.
local MAX_READ_BYTES = 1000000
local now = now_ms()

-- This command was stuck in a network that was down: nobody would get the answer, and the owners of the leases that
-- have expired meanwhile are about to take them up again.
local sent = tonumber(ARGV[4])
if sent > 0 and now - sent > lease_ms / 3 then return { {}, 0, '0', now } end

local by_owner, by_receiver = {}, {}

local function parties(group)
  return string.match(group, SEPARATOR .. '([^' .. SEPARATOR .. ']*)' .. SEPARATOR .. '(.*)$')
end

local function count(group, more)
  local owner, receiver = parties(group)
  by_owner[owner] = (by_owner[owner] or 0) + more
  by_receiver[receiver] = (by_receiver[receiver] or 0) + more
end

local function full(group)
  local owner, receiver = parties(group)
  if (by_owner[owner] or 0) >= limits.owner_slots then return true end
  return receiver ~= '' and (by_receiver[receiver] or 0) >= limits.receiver_slots
end

-- Return the next group in turn that may have another slot, or nil and true if there are only others. If very many may
-- not, they move behind the others.
local function next_group(turns)
  for _ = 1, MAX_WINDOWS do
    local first = redis.call('ZRANGE', turns, 0, WINDOW - 1, 'WITHSCORES')
    for i = 1, #first, 2 do
      if not full(first[i]) then return first[i], tonumber(first[i + 1]) end
    end
    if #first < 2 * WINDOW then return nil, #first > 0 end
    for i = 1, #first, 2 do redis.call('ZINCRBY', turns, 1, first[i]) end
  end
  return nil, true
end

local read_bytes = 0

-- Read the fields that the worker needs of the record of an entry's job; none of a part, or when these are too many bytes.
local function read_record(entry)
  local subject = subject_of(entry)
  if not limits.reads or not subject or string.find(subject, '/', 1, true) or read_bytes >= MAX_READ_BYTES then return {} end
  local values = redis.call('HMGET', limits.reads.prefix .. subject, unpack(limits.reads.fields))
  for _, value in ipairs(values) do read_bytes = read_bytes + (value and #value or 0) end
  return values
end

-- Lease an entry that is in no set of due ones any more. Returns what its worker has to know.
local function claim(entry, group)
  redis.call('SET', LEASE .. entry, token, 'PX', lease_ms)
  redis.call('SET', CLAIM .. entry, token, 'PX', KEPT_MS)
  redis.call('ZADD', queue, now + lease_ms + 1, entry)
  redis.call('ZADD', queue .. ':all', 'XX', now + lease_ms + 1, entry)
  local tries = redis.call('INCR', TRIES .. entry)
  redis.call('PEXPIRE', TRIES .. entry, KEPT_MS)
  return { entry, group, redis.call('GET', DATA .. entry), tries, read_record(entry) }
end

for group, running in pairs(limits.running) do count(group, running) end

for _, entry in ipairs(redis.call('ZRANGEBYSCORE', queue, '-inf', now, 'LIMIT', 0, MAX_MOVED)) do
  local remaining_ms = redis.call('PTTL', LEASE .. entry)
  if remaining_ms > 0 then
    redis.call('ZADD', queue, now + remaining_ms + 1, entry)
  else
    redis.call('ZREM', queue, entry)
    redis.call('ZADD', queue .. ':all', 'NX', now, entry)
    make_ready(queue, entry, group_of(open, queue, entry), now)
  end
end

local claimed, skipped_some = {}, 0
for lane, slots in pairs(limits.slots) do
  local turns = queue .. ':turns:' .. lane
  local group, turn = next_group(turns)
  while group and slots > 0 do
    local ready = queue .. ':ready:' .. group
    local entry = redis.call('ZPOPMIN', ready)[1]
    if redis.call('EXISTS', ready) == 1 then
      redis.call('ZADD', turns, turn + 1, group)
    else
      redis.call('ZREM', turns, group)
    end
    if entry then
      claimed[#claimed + 1] = claim(entry, group)
      count(group, 1)
      slots = slots - 1
    end
    group, turn = next_group(turns)
  end
  -- Another worker may have slots.
  if group then
    wake(queue, lane)
  elseif turn then
    skipped_some = 1
    redis.call('ZADD', queue .. ':more:' .. lane, 0, '0')
  end
end

local head = redis.call('ZRANGE', queue, 0, 0, 'WITHSCORES')
return { claimed, skipped_some, head[2] and tostring(math.max(tonumber(head[2]) - now, 0)) or '', now }
