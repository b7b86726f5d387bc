/**
 * Both windows of a family in one script, and so in one round trip and one step: between looking and taking nobody else
 * can look. The history is a list of entries, what was admitted in one millisecond being one: its time, the units
 * admitted up to and with it, and how many entries before it the shorter window began when it was written; packed, for a
 * script's time goes into reading texts and calling Redis. What a window holds is a difference of two sums and never a
 * walk over thousands, and where the shorter one begins is found by a step or two from where it did.
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
local call, pack, unpack = redis.call, struct.pack, struct.unpack
local key = KEYS[1]
local cost, rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local long, short = tonumber(ARGV[4]), tonumber(ARGV[5])
local now = ${clock}

-- Of the newest entry its time and sum, and where the shorter window began; of the oldest one the time, and the sum
-- before it. The sum before an entry is kept in it as its units.
local newest = call('LINDEX', key, -1)
local newestTime, units, total, back = 0, 0, 0, 0
if newest then
  newestTime, units, total, back = unpack('${ENTRY}', newest)
  if newestTime > now then now = newestTime end
end

-- What has left the longer window goes, as often as something comes: amortised constant.
local oldestTime, before = 0, total
while newest do
  local entry = call('LINDEX', key, 0)
  if not entry then newest = nil break end
  local time, count, sum = unpack('${ENTRY}', entry)
  if now - time < long then
    oldestTime, before = time, sum - count
    break
  end
  call('LPOP', key)
  before = sum
end

-- The first entry of the shorter window, 'back' entries before the newest; -1: there is none.
local earliestTime, beforeShort = 0, total
if newest and now - newestTime < short then
  while true do
    local time, count, sum = newestTime, units, total
    if back > 0 then time, count, sum = unpack('${ENTRY}', call('LINDEX', key, -1 - back)) end
    if now - time < short then
      earliestTime, beforeShort = time, sum - count
      break
    end
    back = back - 1
  end
else
  back = -1
end

-- Ms until 'wanted' units fit into a window of 'length', which begins with the entry of that time and ends with the list.
local function wait(used, base, first, entries, length, limit, wanted)
  local excess = used + wanted - limit
  if excess <= 0 then return 0 end
  -- The first entry whose sum reaches the unit that has to leave. Mostly that is the window's first.
  if excess == 1 then return length - (now - first) end
  local low, high = -(entries or call('LLEN', key)), -1
  while low < high do
    local middle = math.floor((low + high) / 2)
    local _, _, sum = unpack('${ENTRY}', call('LINDEX', key, middle))
    if sum >= base + excess then high = middle else low = middle + 1 end
  end
  return length - (now - unpack('${ENTRY}', call('LINDEX', key, low)))
end

local usedLong, usedShort = total - before, total - beforeShort
local waitLong, waitShort, admitted = 0, 0, 0
if cost > 0 then
  waitLong = wait(usedLong, before, oldestTime, nil, long, rate, cost)
  waitShort = wait(usedShort, beforeShort, earliestTime, back + 1, short, burst, cost)
  if waitLong == 0 and waitShort == 0 then
    admitted = 1
    if usedLong == 0 then oldestTime = now end
    if usedShort == 0 then earliestTime = now end
    usedLong, usedShort, total = usedLong + cost, usedShort + cost, total + cost
    if newest and newestTime == now then
      call('LSET', key, -1, pack('${ENTRY}', now, units + cost, total, back))
    else
      back = back + 1
      call('RPUSH', key, pack('${ENTRY}', now, cost, total, back))
    end
    call('PEXPIRE', key, long)
  end
end

local returnsLong, returnsShort = -1, -1
if usedLong > 0 then
  returnsLong = wait(usedLong, before, oldestTime, nil, long, rate, math.max(0, rate - usedLong) + 1)
end
if usedShort > 0 then
  returnsShort = wait(usedShort, beforeShort, earliestTime, back + 1, short, burst, math.max(0, burst - usedShort) + 1)
end
return { admitted, waitLong, waitShort, usedLong, returnsLong, usedShort, returnsShort }`;
}

/** Time in ms, units, sum of units: 8, 4 and 8 bytes. And the entries between it and the shorter window's beginning. */
const ENTRY = '<dI4dI4';

const REDIS_CLOCK = "(function() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end)()";
