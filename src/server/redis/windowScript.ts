import { BURST_WINDOW, RATE_WINDOW } from '../../core/limits/window.js';
import { OTHER_EPOCH, OUT_OF_BOUNDS, REDIS_TIME } from './question.js';

/** µs in one ms. Times are kept in µs: with whole ms, a unit could leave its second after 999.1 ms. */
const US = 1_000;

/** The status of an admission whose check failed in Redis. The next value is the error. */
export const FAILED = -3;

/** The number of values that the script returns for each history: see {@link windowScript}. */
export const FIGURES = 6;

/**
 * Returns a script that checks and updates the windows of a batch of admissions, in their order. Each takes from all
 * of its histories or from none. It takes one round trip and is atomic: no other request can take units between the check
 * and the update.
 *
 * A history is a list with one entry for each admission: its time, its units, the sum of units up to and including it,
 * the number of entries between the start of the shorter window and this entry (when it was written), and a tag by
 * which it can be given back. Entries are packed, because parsing text and calling Redis take most of the time. The
 * units in a window are a difference of two sums, and the start of the shorter window is found in a few steps from
 * where it was. An entry whose units were given back has none, and is skipped. Each entry also contains the start and the
 * units of both windows when it was written, so that most admissions read only the newest entry.
 *
 * The clock is Redis', because the clocks of several machines differ. It can be set at any time, so each call has
 * bounds for it (see `RedisClock`), which are also its deadline. Outside of them the script does nothing.
 *
 * KEYS: the lists of all admissions, in their order, and the epoch. ARGV: the epoch, the bounds of the clock, the first of
 * the tags, one for each admission; then for each admission a text with three numbers for each of its lists: the units to
 * take (0: only check), the limit of the rate and that of the burst. Equal texts are parsed once.
 *
 * Returns the number of admissions that took units (below 0: nothing was done), the time, and for each admission whether
 * it took units, and for each list: ms to wait for the rate, ms to wait for the burst (0: no wait), units in the rate
 * window, ms until `remaining` grows (-1: the window is empty), and the last two for the burst window. The time until
 * `remaining` grows is also correct if a lower tier allows fewer units than are used. If an admission fails, for example
 * because another program uses one of its keys, it takes nothing: {@link FAILED} and the error are returned for it.
 *
 * @param clock a Lua expression of ms. Only tests replace Redis' clock
 */
export function windowScript(clock = REDIS_TIME): string {
  return `
local call, pack, unpack, number = redis.call, struct.pack, struct.unpack, tonumber
local ceil, floor = math.ceil, math.floor
local long, short = ${RATE_WINDOW * US}, ${BURST_WINDOW * US}
local time = ${clock}
if (call('HGET', KEYS[#KEYS], 'epoch') or '') ~= ARGV[1] then return { ${OTHER_EPOCH}, time } end
if time < number(ARGV[2]) or time > number(ARGV[3]) then return { ${OUT_OF_BOUNDS}, time } end
local present, tag = floor(time * ${US} + 0.5), number(ARGV[4])
local out, size = { 0, time }, 2

-- Of each list of the current admission: its key, the units to take and the limits; its newest entry; in the longer and in
-- the shorter window the units, the sum before the first entry, and the time of that entry; the waits; and the second in
-- which the expiry of the list was set.
local keys, amounts, rates, bursts = {}
local totals, backs, usedLong, usedShort = {}, {}, {}, {}
local beforeLong, beforeShort, firstLong, firstShort = {}, {}, {}, {}
local waitLong, waitShort, renewed = {}, {}, {}

-- Ms until 'wanted' units, which are too many now, fit into a window of 'length', which begins with the entry of the time 'first' and ends with the
-- list. 'before' is the sum before it; 'entries' the number of its entries, or nil: all.
local function wait(key, used, before, first, entries, length, limit, wanted, now)
  local excess = used + wanted - limit
  -- The first entry whose sum reaches the unit that has to leave. Mostly that is the window's first.
  if excess == 1 then return ceil((length - (now - first)) / ${US}) end
  local low, high = -(entries or call('LLEN', key)), -1
  while low < high do
    local middle = floor((low + high) / 2)
    local _, _, sum = unpack('${ENTRY}', call('LINDEX', key, middle))
    if sum >= before + excess then high = middle else low = middle + 1 end
  end
  return ceil((length - (now - unpack('${ENTRY}', call('LINDEX', key, low)))) / ${US})
end

-- Reads a list: its windows as of 'now', which it returns, and which is never before the newest entry.
local function read(i, now)
  local key = keys[i]
  local newest = call('LINDEX', key, '-1')
  if not newest then
    totals[i], backs[i], usedLong[i], usedShort[i], renewed[i] = 0, -1, 0, 0, 0
    beforeLong[i], beforeShort[i], firstLong[i], firstShort[i] = 0, 0, 0, 0
    return now
  end
  local newestTime, newestUnits, total, back, _, renewal, sinceLong, inLong, sinceShort, inShort = unpack('${ENTRY}', newest)
  if newestTime > now then now = newestTime end
  totals[i], renewed[i] = total, renewal

  local before, first = total - inLong, newestTime - sinceLong
  if inLong == 0 or now - first >= long then
    -- What has left the longer window goes, as often as something comes: amortised constant.
    before, first = total, 0
    while true do
      local entry = call('LINDEX', key, '0')
      if not entry then break end
      local time, units, sum = unpack('${ENTRY}', entry)
      if units > 0 and now - time < long then
        before, first = sum - units, time
        break
      end
      call('LPOP', key)
      before = sum
    end
  end
  usedLong[i], beforeLong[i], firstLong[i] = total - before, before, first

  -- The first entry of the shorter window, 'back' entries before the newest; -1: there is none.
  before, first = total, 0
  if inShort > 0 and now - newestTime + sinceShort < short then
    before, first = total - inShort, newestTime - sinceShort
  elseif total > beforeLong[i] and now - newestTime < short then
    while back >= 0 do
      local time, units, sum = newestTime, newestUnits, total
      if back > 0 then
        local entry = call('LINDEX', key, -1 - back)
        -- Entries without units were removed from the start of the list.
        if entry then time, units, sum = unpack('${ENTRY}', entry) else units = 0 end
      end
      if units > 0 and now - time < short then
        before, first = sum - units, time
        break
      end
      back = back - 1
    end
  else
    back = -1
  end
  backs[i], usedShort[i], beforeShort[i], firstShort[i] = back, total - before, before, first
  return now
end

local function longWait(i, units, now)
  return wait(keys[i], usedLong[i], beforeLong[i], firstLong[i], nil, long, rates[i], units, now)
end

local function shortWait(i, units, now)
  return wait(keys[i], usedShort[i], beforeShort[i], firstShort[i], backs[i] + 1, short, bursts[i], units, now)
end

-- Returns whether the current admission took units.
local function admit(lists)
  local now, admitted = present, 0
  for i = 1, lists do now = read(i, now) end
  for i = 1, lists do
    waitLong[i], waitShort[i] = 0, 0
    if amounts[i] > 0 then
      if admitted == 0 then admitted = 1 end
      if usedLong[i] + amounts[i] > rates[i] then waitLong[i], admitted = longWait(i, amounts[i], now), -1 end
      if usedShort[i] + amounts[i] > bursts[i] then waitShort[i], admitted = shortWait(i, amounts[i], now), -1 end
    end
  end
  -- All have been looked at before one takes.
  if admitted == 1 then
    for i = 1, lists do
      local units = amounts[i]
      if units > 0 then
        if usedLong[i] == 0 then firstLong[i], renewed[i] = now, 0 end
        if usedShort[i] == 0 then firstShort[i] = now end
        local total, back = totals[i] + units, backs[i] + 1
        totals[i], backs[i], usedLong[i], usedShort[i] = total, back, usedLong[i] + units, usedShort[i] + units
        local second = floor(now / ${1_000 * US})
        -- Rarely, because it takes about a tenth as long as the admission. Also if the list was emptied, and so is a new one.
        local renews = second - renewed[i] >= ${RENEW_EVERY}
        if renews then renewed[i] = second end
        call('RPUSH', keys[i], pack('${ENTRY}', now, units, total, back, tag, renewed[i],
          now - firstLong[i], usedLong[i], now - firstShort[i], usedShort[i]))
        if renews then call('PEXPIRE', keys[i], ${KEPT}) end
      end
    end
  end
  local at = size + 1
  out[at] = admitted == 1 and 1 or 0
  for i = 1, lists do
    local returnsLong, returnsShort = -1, -1
    if usedLong[i] > rates[i] then returnsLong = longWait(i, 1, now)
    elseif usedLong[i] > 0 then returnsLong = ceil((long - (now - firstLong[i])) / ${US}) end
    if usedShort[i] > bursts[i] then returnsShort = shortWait(i, 1, now)
    elseif usedShort[i] > 0 then returnsShort = ceil((short - (now - firstShort[i])) / ${US}) end
    out[at + 1], out[at + 2], out[at + 3] = waitLong[i], waitShort[i], usedLong[i]
    out[at + 4], out[at + 5], out[at + 6] = returnsLong, usedShort[i], returnsShort
    at = at + ${FIGURES}
  end
  size = at
  return admitted == 1
end

local plans = {}
local function planOf(text)
  local plan = { lists = 0, amounts = {}, rates = {}, bursts = {} }
  for units, rate, burst in string.gmatch(text, '(%S+) (%S+) (%S+)') do
    local lists = plan.lists + 1
    plan.lists, plan.amounts[lists], plan.rates[lists], plan.bursts[lists] = lists, number(units), number(rate), number(burst)
  end
  plans[text] = plan
  return plan
end

local key, argument = 0, 5
while key < #KEYS - 1 do
  local plan = plans[ARGV[argument]] or planOf(ARGV[argument])
  local lists = plan.lists
  amounts, rates, bursts = plan.amounts, plan.rates, plan.bursts
  for i = 1, lists do keys[i] = KEYS[key + i] end
  key, argument = key + lists, argument + 1
  -- The others have been counted, so an error must not end the script.
  local done, result = pcall(admit, lists)
  if not done then
    out[size + 1], out[size + 2] = ${FAILED}, type(result) == 'table' and result.err or result
    for i = 3, 1 + ${FIGURES} * lists do out[size + i] = 0 end
    size = size + 1 + ${FIGURES} * lists
  elseif result then
    out[1] = out[1] + 1
  end
  tag = tag + 1
end
return out`;
}

/**
 * Time in µs, units, sum of units: 8, 4 and 8 bytes. Number of entries since the start of the shorter window: 4 bytes.
 * Tag of the admission that took the units: 8 bytes. The second in which the expiry of the list was set: 4 bytes.
 * For the longer and for the shorter window, when the entry was written: µs since the first entry with units, and the units
 * since then (0 if unknown), 4 and 8 bytes each.
 */
const ENTRY = '<dI4dI4dI4I4dI4d';

/** The number of seconds after which a new entry sets the expiry of its list again. */
const RENEW_EVERY = 10;

/** How long a list is kept after its expiry was set, in ms: any entry counts for at most a window from then on. */
const KEPT = RATE_WINDOW + (RENEW_EVERY + 1) * 1_000;

/**
 * Gives back units of one admission. KEYS: the list and the epoch. ARGV: the epoch, the tag of the admission, and the units.
 * The sums of this entry and of all later ones become smaller, and so do the units of their windows if these contain it.
 */
export const GIVE_BACK = `
local call, pack = redis.call, struct.pack
if (call('HGET', KEYS[2], 'epoch') or '') ~= ARGV[1] then return 0 end
local tag, later, at = tonumber(ARGV[2]), {}, -1
while true do
  local entry = call('LINDEX', KEYS[1], at)
  if not entry then return 0 end
  later[-at] = { struct.unpack('${ENTRY}', entry) }
  if later[-at][5] == tag then break end
  at = at - 1
end
local itsTime, units = later[-at][1], later[-at][2]
local given = math.min(units, tonumber(ARGV[3]))
later[-at][2] = units - given
local function remaining(first, used)
  if used == 0 or itsTime < first then return used end
  -- Another entry is the first one now.
  if itsTime == first and units == given then return 0 end
  return used - given
end
for i = 1, -at do
  local time, units, sum, back, its, renewal, sinceLong, inLong, sinceShort, inShort = unpack(later[i])
  inLong, inShort = remaining(time - sinceLong, inLong), remaining(time - sinceShort, inShort)
  local entry = pack('${ENTRY}', time, units, sum - given, back, its, renewal, sinceLong, inLong, sinceShort, inShort)
  call('LSET', KEYS[1], -i, entry)
end
return given`;

/**
 * Adds entries to a history, or removes the entries with a tag, and writes it again. KEYS: the list and the epoch.
 * ARGV: the epoch, the first of the tags to remove and their number (0 if none), then times and units to add.
 */
export const REWRITE = `
local call, pack, unpack = redis.call, struct.pack, struct.unpack
if (call('HGET', KEYS[2], 'epoch') or '') ~= ARGV[1] then return 0 end
local short, first, last, found, entries = ${BURST_WINDOW * US}, tonumber(ARGV[2]), ARGV[2] + ARGV[3], #ARGV > 3, {}
for _, entry in ipairs(call('LRANGE', KEYS[1], 0, -1)) do
  local time, count, _, _, tag = unpack('${ENTRY}', entry)
  if tag >= first and tag < last then found = true else table.insert(entries, { time, count, tag }) end
end
if not found then return 1 end
for i = 4, #ARGV, 2 do table.insert(entries, { math.floor(ARGV[i] * ${US} + 0.5), tonumber(ARGV[i + 1]), -1 }) end
table.sort(entries, function(a, b) return a[1] < b[1] end)
call('DEL', KEYS[1])
local sum, start = 0, 1
for i, entry in ipairs(entries) do
  local time, count, tag = entry[1], entry[2], entry[3]
  sum = sum + count
  while time - entries[start][1] >= short do start = start + 1 end
  -- The next admission sets the expiry.
  call('RPUSH', KEYS[1], pack('${ENTRY}', time, count, sum, i - start, tag, 0, 0, 0, 0, 0))
end
if #entries > 0 then call('PEXPIRE', KEYS[1], ${KEPT}) end
return 1`;
