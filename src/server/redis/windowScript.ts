import { OTHER_EPOCH, OUT_OF_BOUNDS, REDIS_TIME } from './question.js';

/** µs in one ms. Times are kept in µs: with whole ms, a unit could leave its second after 999.1 ms. */
const US = 1_000;

/**
 * Returns a script that checks and updates both windows of a family, and both windows of the operation's category if
 * the tier limits that. It takes one round trip and is atomic: no other request can take units between the check and
 * the update, and if one window refuses, no window changes.
 *
 * A history is a list with one entry for each admission: its time, its units, the sum of units up to and including it,
 * the number of entries between the start of the shorter window and this entry (when it was written), and a tag by
 * which it can be given back. Entries are packed, because parsing text and calling Redis take most of the time. The
 * units in a window are a difference of two sums, and the start of the shorter window is found in a few steps from
 * where it was.
 *
 * The clock is Redis', because the clocks of several machines differ. It can be set at any time, so each call has
 * bounds for it (see `RedisClock`), which are also its deadline. Outside of them the script does nothing.
 *
 * KEYS: the family's list, its category's list if it has one, and the epoch. ARGV: the cost (0: only check), the rate
 * window and the burst window in ms, the epoch, the bounds of the clock, the tag, and the rate and burst limits for
 * each list. Returns admitted (0 or 1; below 0: nothing was done), the time, and for each list: ms to wait for the
 * rate, ms to wait for the burst (0: no wait), units in the rate window, ms until `remaining` grows (-1: the window is
 * empty), and the last two for the burst window. The time until `remaining` grows is also correct if a lower tier
 * allows fewer units than are used.
 *
 * @param keys the number of histories. There is one script for each number, with separate variables for each history:
 * tables would make the script a fifth slower, even with one history.
 * @param clock a Lua expression of ms. Only tests replace Redis' clock
 */
export function windowScript(keys: 1 | 2, clock = REDIS_TIME): string {
  const each = (lua: (i: number) => string): string => [1, 2].slice(0, keys).map(lua).join('\n');
  const answered = [1, 2].slice(0, keys).map((i) => FIGURES.map((figure) => `${figure}${i}`).join(', '));
  return `
local call, pack, unpack = redis.call, struct.pack, struct.unpack
local cost, long, short = tonumber(ARGV[1]), tonumber(ARGV[2]) * ${US}, tonumber(ARGV[3]) * ${US}
local now = ${clock}
if (call('HGET', KEYS[${keys + 1}], 'epoch') or '') ~= ARGV[4] then return { ${OTHER_EPOCH}, now } end
if now < tonumber(ARGV[5]) or now > tonumber(ARGV[6]) then return { ${OUT_OF_BOUNDS}, now } end
local time = now
now = math.floor(now * ${US} + 0.5)

-- Ms until 'wanted' units fit into a window of 'length', which begins with the entry of that time and ends with the list.
local function wait(key, used, base, first, entries, length, limit, wanted)
  local excess = used + wanted - limit
  if excess <= 0 then return 0 end
  -- The first entry whose sum reaches the unit that has to leave. Mostly that is the window's first.
  if excess == 1 then return math.ceil((length - (now - first)) / ${US}) end
  local low, high = -(entries or call('LLEN', key)), -1
  while low < high do
    local middle = math.floor((low + high) / 2)
    local _, _, sum = unpack('${ENTRY}', call('LINDEX', key, middle))
    if sum >= base + excess then high = middle else low = middle + 1 end
  end
  return math.ceil((length - (now - unpack('${ENTRY}', call('LINDEX', key, low)))) / ${US})
end
${each(newest)}
${each(look)}
local admitted = 0
${each((i) => `local waitLong${i}, waitShort${i} = 0, 0`)}
if cost > 0 then
  admitted = 1
  ${each(judge)}
end
-- All have been looked at before one takes.
if admitted == 1 then
  ${each(take)}
end
${each(returns)}
return { admitted, time, ${answered.join(', ')} }`;
}

/** The values returned for each history, in this order. */
const FIGURES = ['waitLong', 'waitShort', 'usedLong', 'returnsLong', 'usedShort', 'returnsShort'] as const;

/**
 * Reads the newest entry: its time and sum, and the start of the shorter window. The sum before an entry is its sum
 * minus its units.
 */
function newest(i: number): string {
  return `
local key${i}, rate${i}, burst${i} = KEYS[${i}], tonumber(ARGV[${6 + 2 * i}]), tonumber(ARGV[${7 + 2 * i}])
local newest${i} = call('LINDEX', key${i}, -1)
local newestTime${i}, units${i}, total${i}, back${i} = 0, 0, 0, 0
if newest${i} then
  newestTime${i}, units${i}, total${i}, back${i} = unpack('${ENTRY}', newest${i})
  if newestTime${i} > now then now = newestTime${i} end
end`;
}

/** Determines for each window its units, the time of its first entry, and the sum before that entry. */
function look(i: number): string {
  return `
-- What has left the longer window goes, as often as something comes: amortised constant.
local oldestTime${i}, before${i} = 0, total${i}
while newest${i} do
  local entry = call('LINDEX', key${i}, 0)
  if not entry then newest${i} = nil break end
  local time, count, sum = unpack('${ENTRY}', entry)
  if now - time < long then
    oldestTime${i}, before${i} = time, sum - count
    break
  end
  call('LPOP', key${i})
  before${i} = sum
end

-- The first entry of the shorter window, 'back' entries before the newest; -1: there is none.
local earliestTime${i}, beforeShort${i} = 0, total${i}
if newest${i} and now - newestTime${i} < short then
  while true do
    local time, count, sum = newestTime${i}, units${i}, total${i}
    if back${i} > 0 then time, count, sum = unpack('${ENTRY}', call('LINDEX', key${i}, -1 - back${i})) end
    if now - time < short then
      earliestTime${i}, beforeShort${i} = time, sum - count
      break
    end
    back${i} = back${i} - 1
  end
else
  back${i} = -1
end
local usedLong${i}, usedShort${i} = total${i} - before${i}, total${i} - beforeShort${i}`;
}

function judge(i: number): string {
  return `
  waitLong${i}, waitShort${i} = ${waitLong(i, 'cost')}, ${waitShort(i, 'cost')}
  if waitLong${i} > 0 or waitShort${i} > 0 then admitted = 0 end`;
}

function take(i: number): string {
  return `
  if usedLong${i} == 0 then oldestTime${i} = now end
  if usedShort${i} == 0 then earliestTime${i} = now end
  usedLong${i}, usedShort${i}, total${i} = usedLong${i} + cost, usedShort${i} + cost, total${i} + cost
  back${i} = back${i} + 1
  call('RPUSH', key${i}, pack('${ENTRY}', now, cost, total${i}, back${i}, ARGV[7]))
  call('PEXPIRE', key${i}, ARGV[2])`;
}

function returns(i: number): string {
  return `
local returnsLong${i}, returnsShort${i} = -1, -1
if usedLong${i} > 0 then returnsLong${i} = ${waitLong(i, `math.max(0, rate${i} - usedLong${i}) + 1`)} end
if usedShort${i} > 0 then returnsShort${i} = ${waitShort(i, `math.max(0, burst${i} - usedShort${i}) + 1`)} end`;
}

function waitLong(i: number, wanted: string): string {
  return `wait(key${i}, usedLong${i}, before${i}, oldestTime${i}, nil, long, rate${i}, ${wanted})`;
}

function waitShort(i: number, wanted: string): string {
  return `wait(key${i}, usedShort${i}, beforeShort${i}, earliestTime${i}, back${i} + 1, short, burst${i}, ${wanted})`;
}

/**
 * Time in µs, units, sum of units: 8, 4 and 8 bytes. Number of entries since the start of the shorter window: 4 bytes.
 * Tag of the call that took the units: 8 bytes.
 */
const ENTRY = '<dI4dI4d';

/**
 * Adds entries to a history, or removes the entries with a tag, and writes it again. KEYS: the list and the epoch.
 * ARGV: the epoch, the rate window and the burst window in ms, the tag to remove ('': none), then times and units to
 * add.
 */
export const REWRITE = `
local call, pack, unpack = redis.call, struct.pack, struct.unpack
if (call('HGET', KEYS[2], 'epoch') or '') ~= ARGV[1] then return 0 end
local short, out, found, entries = tonumber(ARGV[3]) * ${US}, tonumber(ARGV[4]), #ARGV > 4, {}
for _, entry in ipairs(call('LRANGE', KEYS[1], 0, -1)) do
  local time, count, _, _, tag = unpack('${ENTRY}', entry)
  if tag == out then found = true else table.insert(entries, { time, count, tag }) end
end
if not found then return 1 end
for i = 5, #ARGV, 2 do table.insert(entries, { math.floor(ARGV[i] * ${US} + 0.5), tonumber(ARGV[i + 1]), 0 }) end
table.sort(entries, function(a, b) return a[1] < b[1] end)
call('DEL', KEYS[1])
local sum, first = 0, 1
for i, entry in ipairs(entries) do
  local time, count, tag = entry[1], entry[2], entry[3]
  sum = sum + count
  while time - entries[first][1] >= short do first = first + 1 end
  call('RPUSH', KEYS[1], pack('${ENTRY}', time, count, sum, i - first, tag))
end
if #entries > 0 then call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1`;
