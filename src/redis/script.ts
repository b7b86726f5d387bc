/**
 * Both windows of a family in one script, and those of an operation's category where it has such, and so in one round
 * trip and one step: between looking and taking nobody else can look, and what one window refuses takes nothing from
 * another. A history is a list of entries, what was admitted in one millisecond being one: its time, the units
 * admitted up to and with it, and how many entries before it the shorter window began when it was written; packed, for a
 * script's time goes into reading texts and calling Redis. What a window holds is a difference of two sums and never a
 * walk over thousands, and where the shorter one begins is found by a step or two from where it did.
 *
 * The clock is Redis's own, for those of several machines differ by more than the burst's window forgives. It is held at
 * the newest entry where it ran back.
 *
 * KEYS: the family's list, and its category's if it has one. ARGV: cost (0: look and take nothing), rate's window, burst's
 * window, in ms, and for each key rate and burst. Answers admitted (0 or 1), and for each key ms to wait for the rate, ms
 * to wait for the burst (0: it fits), units in the rate's window, ms until one of them leaves (-1: none), and the same two
 * of the burst's window; each "leaves" is until `remaining` grows, so that it is right also where a lower tier finds more
 * used than it allows.
 *
 * @param clock a Lua expression of ms, for tests alone another than Redis's clock
 */
export function windowScript(clock = REDIS_CLOCK): string {
  return `
local call, pack, unpack = redis.call, struct.pack, struct.unpack
local cost, long, short = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = ${clock}

-- Of each newest entry its time and sum, and where the shorter window began. The sum before an entry is kept in it as its
-- units.
local histories = {}
for i, key in ipairs(KEYS) do
  local newest = call('LINDEX', key, -1)
  local time, units, total, back = 0, 0, 0, 0
  if newest then
    time, units, total, back = unpack('${ENTRY}', newest)
    if time > now then now = time end
  end
  histories[i] = {
    key = key, rate = tonumber(ARGV[2 + 2 * i]), burst = tonumber(ARGV[3 + 2 * i]),
    newest = newest, newestTime = time, units = units, total = total, back = back,
  }
end

-- What each window holds: units, the time of its first entry, and the sum before that.
local function look(history)
  local key, newest, total, back = history.key, history.newest, history.total, history.back
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
  if newest and now - history.newestTime < short then
    while true do
      local time, count, sum = history.newestTime, history.units, total
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
  history.newest, history.back = newest, back
  history.oldestTime, history.before, history.usedLong = oldestTime, before, total - before
  history.earliestTime, history.beforeShort, history.usedShort = earliestTime, beforeShort, total - beforeShort
end

-- Ms until 'wanted' units fit into a window of 'length', which begins with the entry of that time and ends with the list.
local function wait(key, used, base, first, entries, length, limit, wanted)
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

local function waitLong(h, wanted)
  return wait(h.key, h.usedLong, h.before, h.oldestTime, nil, long, h.rate, wanted)
end

local function waitShort(h, wanted)
  return wait(h.key, h.usedShort, h.beforeShort, h.earliestTime, h.back + 1, short, h.burst, wanted)
end

local function take(h)
  if h.usedLong == 0 then h.oldestTime = now end
  if h.usedShort == 0 then h.earliestTime = now end
  h.usedLong, h.usedShort, h.total = h.usedLong + cost, h.usedShort + cost, h.total + cost
  if h.newest and h.newestTime == now then
    call('LSET', h.key, -1, pack('${ENTRY}', now, h.units + cost, h.total, h.back))
  else
    h.back = h.back + 1
    call('RPUSH', h.key, pack('${ENTRY}', now, cost, h.total, h.back))
  end
  call('PEXPIRE', h.key, long)
end

-- All are looked at before one takes.
local admitted, waits = cost > 0 and 1 or 0, {}
for i, h in ipairs(histories) do
  look(h)
  if cost > 0 then
    waits[2 * i - 1], waits[2 * i] = waitLong(h, cost), waitShort(h, cost)
    if waits[2 * i - 1] > 0 or waits[2 * i] > 0 then admitted = 0 end
  else
    waits[2 * i - 1], waits[2 * i] = 0, 0
  end
end

local answer = { admitted }
for i, h in ipairs(histories) do
  if admitted == 1 then take(h) end
  local returnsLong, returnsShort = -1, -1
  if h.usedLong > 0 then returnsLong = waitLong(h, math.max(0, h.rate - h.usedLong) + 1) end
  if h.usedShort > 0 then returnsShort = waitShort(h, math.max(0, h.burst - h.usedShort) + 1) end
  local at = 6 * i - 4
  answer[at], answer[at + 1] = waits[2 * i - 1], waits[2 * i]
  answer[at + 2], answer[at + 3], answer[at + 4], answer[at + 5] = h.usedLong, returnsLong, h.usedShort, returnsShort
end
return answer`;
}

/** Time in ms, units, sum of units: 8, 4 and 8 bytes. And the entries between it and the shorter window's beginning. */
const ENTRY = '<dI4dI4';

const REDIS_CLOCK = "(function() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end)()";
