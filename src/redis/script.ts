/**
 * Both windows of a family in one script, and so in one round trip and one step: between looking and taking nobody else
 * can look. The history is a list of `ms:count:sum`, what was admitted in one millisecond being one entry; `sum` counts
 * on from entry to entry, so that what a window holds is a difference of two and never a walk over thousands.
 *
 * The clock is Redis's own, for those of several machines differ by more than the burst's window forgives. It is held at
 * the newest entry where it ran back.
 *
 * KEYS[1] the family's list. ARGV: cost (0: look and take nothing), rate, burst, rate's window, burst's window, in ms.
 * Answers admitted (0 or 1), ms to wait for the rate, ms to wait for the burst (0: it fits), units in the rate's window,
 * ms until one of them leaves (-1: none), and the same two of the burst's window; each "leaves" is until `remaining`
 * grows, so that it is right also where a lower tier finds more used than it allows.
 *
 * @param clock a Lua expression of ms, for tests alone another than Redis's clock
 */
export function windowScript(clock = REDIS_CLOCK): string {
  return `
local key = KEYS[1]
local cost, rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local long, short = tonumber(ARGV[4]), tonumber(ARGV[5])
local now = ${clock}

local function read(entry)
  local time, count, sum = string.match(entry, '^(%d+):(%d+):(%d+)$')
  return { time = tonumber(time), count = tonumber(count), sum = tonumber(sum) }
end
local function at(index)
  local entry = redis.call('LINDEX', key, index)
  return entry and read(entry)
end

local newest = at(-1)
if newest and newest.time > now then now = newest.time end

-- What has left the longer window goes, as often as something comes: amortised constant.
local oldest = at(0)
while oldest and now - oldest.time >= long do
  redis.call('LPOP', key)
  oldest = at(0)
end
if not oldest then newest = nil end
local total = newest and newest.sum or 0
local before = oldest and (oldest.sum - oldest.count) or 0

-- Units that were admitted before the shorter window began.
local length = newest and redis.call('LLEN', key) or 0
local first, stop = 0, length
while first < stop do
  local middle = math.floor((first + stop) / 2)
  if now - at(middle).time >= short then first = middle + 1 else stop = middle end
end
local earliest = first < length and at(first)
local beforeShort = earliest and (earliest.sum - earliest.count) or total

-- When the unit number \`n\` (counted like the sums) leaves its window: the first entry whose sum reaches it.
local function leaves(n, from, window)
  local low, high = from, length - 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if at(middle).sum >= n then high = middle else low = middle + 1 end
  end
  return window - (now - at(low).time)
end
local function wait(used, base, from, window, limit, wanted)
  local excess = used + wanted - limit
  if excess <= 0 then return 0 end
  return leaves(base + excess, from, window)
end

local usedLong, usedShort = total - before, total - beforeShort
local waitLong, waitShort, admitted = 0, 0, 0
if cost > 0 then
  waitLong = wait(usedLong, before, 0, long, rate, cost)
  waitShort = wait(usedShort, beforeShort, first, short, burst, cost)
  if waitLong == 0 and waitShort == 0 then
    admitted = 1
    total = total + cost
    if newest and newest.time == now then
      redis.call('LSET', key, -1, now .. ':' .. (newest.count + cost) .. ':' .. total)
    else
      redis.call('RPUSH', key, now .. ':' .. cost .. ':' .. total)
      length = length + 1
    end
    redis.call('PEXPIRE', key, long)
    usedLong, usedShort = usedLong + cost, usedShort + cost
  end
end

local function returns(used, base, from, window, limit)
  if used == 0 then return -1 end
  return wait(used, base, from, window, limit, math.max(0, limit - used) + 1)
end
return {
  admitted, waitLong, waitShort,
  usedLong, returns(usedLong, before, 0, long, rate),
  usedShort, returns(usedShort, beforeShort, first, short, burst),
}`;
}

const REDIS_CLOCK = "(function() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end)()";
