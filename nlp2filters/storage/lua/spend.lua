-- Count what a call of a provider took: for its job, for the API key and day, and for the service.
--
-- KEYS     1 the job's usage (hash)  2 the key's usage of the day (hash)  3 the service's usage (hash)
-- ARGV     1 JSON: {call: a unique id, usage: counts by name, prefix: of the names in the service's usage,
--            job_ttl_ms, key_ttl_ms}
-- Returns  the job's usage, flat; it is unchanged if this command was repeated

local spent = cjson.decode(ARGV[1])
if redis.call('HSETNX', KEYS[1], 'call:' .. spent.call, 1) == 1 then
  for name, count in pairs(spent.usage) do
    redis.call('HINCRBY', KEYS[1], name, count)
    redis.call('HINCRBY', KEYS[2], name, count)
    redis.call('HINCRBY', KEYS[3], spent.prefix .. name, count)
  end
  redis.call('PEXPIRE', KEYS[1], spent.job_ttl_ms)
  redis.call('PEXPIRE', KEYS[2], spent.key_ttl_ms)
end
return redis.call('HGETALL', KEYS[1])
