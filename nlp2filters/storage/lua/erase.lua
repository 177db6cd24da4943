-- Erase a job or batch, in whatever state it is: all that is kept about it, its queue entry, and the lease of the worker
-- that runs it, whose commits are refused from now on.
--
-- KEYS     1 record of the job
-- ARGV     1 `seq` that the record must have, 0 if there is none
--          2 JSON: {subject: the job or batch; open: index of unfinished work; keys: to delete;
--            members_of: sorted sets that may list it; parts: see parts.lua, or absent;
--            stats, counts_key, counts: what to count if the job had not ended, or absent}
-- Returns  for each of the keys 1 if it existed, else 0; nothing at all if the record has changed and nothing was done

local erasure = cjson.decode(ARGV[2])
if tonumber(redis.call('HGET', KEYS[1], 'seq') or 0) ~= tonumber(ARGV[1]) then return {} end

if erasure.parts then drop(erasure.parts) end
local queue, entry = place_of(erasure.open, erasure.subject)
if entry and entry ~= '' then remove(erasure.open, queue, entry) end
redis.call('HDEL', erasure.open, erasure.subject)
for _, key in ipairs(erasure.members_of) do redis.call('ZREM', key, erasure.subject) end
local existed = {}
for i, key in ipairs(erasure.keys) do existed[i] = redis.call('UNLINK', key) end
if erasure.counts then
  redis.call('HINCRBY', erasure.stats, 'canceled', 1)
  add_counts(erasure.counts_key, erasure.counts)
end
return existed
