-- Return the time by the server's clock, in ms since 1970. Every script begins with this file.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

