-- Publish progress events of a running attempt. They do not change the job, and nothing is written once the attempt is
-- over.
--
-- KEYS     1 record  2 events (stream)
-- ARGV     1 the attempt's stage  2 its number  3… name and data of each event
-- Returns  1 while the attempt is running, else 0
--
-- A repeated command writes nothing more. It is recognized by the last event, since nobody else adds to the stream of a
-- running attempt.

local record = redis.call('HGET', KEYS[1], 'record')
if not record then return 0 end
local job = cjson.decode(record)
local run = job.stages[ARGV[1]]
local current = job.stage == ARGV[1] and run.status == 'running' and run.attempt == tonumber(ARGV[2])
if not current or job.status ~= 'running' then return 0 end

local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
if not last then return 0 end -- A new stream would never expire.
if last[2][4] == ARGV[#ARGV] then return 1 end
for i = 3, #ARGV, 2 do append_event(KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1
