-- A quota of the bytes that an owner's requests add: `exceeded(key, quota, bytes)` and `charge(key, quota, bytes)`.
--
-- The key is a hash from the number of a time window to the bytes added in it. The quota:
--   limit     maximum bytes in all windows together, 0 for no limit
--   width_ms  width of a window
--   count     number of windows that count
--
-- `exceeded` writes nothing, so that a script can refuse before its first write.

local function window_now(quota)
  local now = now_ms()
  return math.floor(now / quota.width_ms), now - now % 1000
end

-- Return the seconds until there is room for `bytes` more; nil if there is room now.
local function exceeded(key, quota, bytes)
  if quota.limit == 0 then return nil end
  local current, at_ms = window_now(quota)
  local added, total = {}, bytes
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    local window = tonumber(flat[i])
    if window > current - quota.count then
      added[#added + 1] = { window = window, bytes = tonumber(flat[i + 1]) }
      total = total + tonumber(flat[i + 1])
    end
  end
  if total <= quota.limit then return nil end
  table.sort(added, function(a, b) return a.window < b.window end)
  local free = current
  for _, old in ipairs(added) do
    free, total = old.window, total - old.bytes
    if total <= quota.limit then break end
  end
  return math.ceil(((free + quota.count) * quota.width_ms - at_ms) / 1000)
end

local function charge(key, quota, bytes)
  local current = window_now(quota)
  redis.call('HINCRBY', key, current, bytes)
  for _, window in ipairs(redis.call('HKEYS', key)) do
    if tonumber(window) <= current - quota.count then redis.call('HDEL', key, window) end
  end
  redis.call('PEXPIRE', key, (quota.count + 1) * quota.width_ms)
end
