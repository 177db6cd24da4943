-- Reserve a request to a provider and the tokens that it may take within a job's budget, or correct these tokens later.
--
-- KEYS     1 what is reserved for the job (hash): `calls`, `tokens`, and `call:{id}` with the tokens of each request
-- ARGV     1 id of the request  2 its tokens  3 the most calls  4 the most tokens  5 ms for which all this is kept
-- Returns  1, or 0 if the budget has no room for a new request, and nothing was reserved; the same if it is repeated

local name, tokens = 'call:' .. ARGV[1], tonumber(ARGV[2])
local before = redis.call('HGET', KEYS[1], name)
if not before then
  local calls = tonumber(redis.call('HGET', KEYS[1], 'calls') or 0)
  local taken = tonumber(redis.call('HGET', KEYS[1], 'tokens') or 0)
  if calls + 1 > tonumber(ARGV[3]) or taken + tokens > tonumber(ARGV[4]) then return 0 end
  redis.call('HINCRBY', KEYS[1], 'calls', 1)
end
redis.call('HSET', KEYS[1], name, tokens)
redis.call('HINCRBY', KEYS[1], 'tokens', tokens - tonumber(before or 0))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
