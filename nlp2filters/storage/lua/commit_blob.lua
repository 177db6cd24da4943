-- Make an upload readable as a blob, or discard it if the owner has that blob already, which is then renewed.
--
-- KEYS     1 upload (hash: chunks by number)  2 blob (hash: the same, and `upload`: the id of the upload)
-- ARGV     1 id of the upload  2 number of its chunks  3 ms for which the blob is kept
-- Returns  'new', 'renewed', or 'lost' if a chunk is missing and nothing was written. A repeated command gives the
--          same answer.

local upload, blob = KEYS[1], KEYS[2]
local reply = 'renewed'
if redis.call('EXISTS', blob) == 0 then
  if redis.call('HLEN', upload) ~= tonumber(ARGV[2]) then return 'lost' end
  redis.call('HSET', upload, 'upload', ARGV[1])
  redis.call('RENAME', upload, blob)
end
if redis.call('HGET', blob, 'upload') == ARGV[1] then reply = 'new' end
redis.call('UNLINK', upload)
redis.call('PEXPIRE', blob, ARGV[3])
return reply
