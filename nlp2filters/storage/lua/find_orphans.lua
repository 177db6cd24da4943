-- Scan a part of the unfinished work for orphans: jobs and deliveries that have neither an entry nor a lease.
--
-- KEYS     1 index of unfinished work
-- ARGV     1 cursor of the scan  2 approximate number of ids to check
-- Returns  {next cursor ('0' at the end), subject, queue, entry, subject, queue, entry, …}: the orphans

local open = KEYS[1]
local reply = redis.call('HSCAN', open, ARGV[1], 'COUNT', ARGV[2])
local result = { reply[1] }
for i = 1, #reply[2], 2 do
  local subject = reply[2][i]
  local queue, entry, group = parts_of(reply[2][i + 1])
  local exists = queue
    and (
      redis.call('ZSCORE', queue .. ':ready:' .. group, entry)
      or redis.call('ZSCORE', queue, entry)
      or redis.call('EXISTS', LEASE .. entry) == 1
    )
  if not exists then
    for _, part in ipairs({ subject, queue or '', entry or '' }) do result[#result + 1] = part end
  end
end
return result
