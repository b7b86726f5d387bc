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
 * @param keys how many histories: a script for each number, with variables of its own for each history. Tables in their
 * place would take a fifth more of the script's time, also where there is but one history.
 * @param clock a Lua expression of ms, for tests alone another than Redis's clock
 */
export function windowScript(keys: 1 | 2, clock = REDIS_CLOCK): string {
  const each = (lua: (i: number) => string): string => [1, 2].slice(0, keys).map(lua).join('\n');
  const answered = [1, 2].slice(0, keys).map((i) => FIGURES.map((figure) => `${figure}${i}`).join(', '));
  return `
local call, pack, unpack = redis.call, struct.pack, struct.unpack
local cost, long, short = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = ${clock}

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
return { admitted, ${answered.join(', ')} }`;
}

/** What is answered of each history, in this order. */
const FIGURES = ['waitLong', 'waitShort', 'usedLong', 'returnsLong', 'usedShort', 'returnsShort'] as const;

/** Of the newest entry its time and sum, and where the shorter window began; the sum before an entry is in it as its units. */
function newest(i: number): string {
  return `
local key${i}, rate${i}, burst${i} = KEYS[${i}], tonumber(ARGV[${2 + 2 * i}]), tonumber(ARGV[${3 + 2 * i}])
local newest${i} = call('LINDEX', key${i}, -1)
local newestTime${i}, units${i}, total${i}, back${i} = 0, 0, 0, 0
if newest${i} then
  newestTime${i}, units${i}, total${i}, back${i} = unpack('${ENTRY}', newest${i})
  if newestTime${i} > now then now = newestTime${i} end
end`;
}

/** What each window holds: units, the time of its first entry, and the sum before that. */
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
  if newest${i} and newestTime${i} == now then
    call('LSET', key${i}, -1, pack('${ENTRY}', now, units${i} + cost, total${i}, back${i}))
  else
    back${i} = back${i} + 1
    call('RPUSH', key${i}, pack('${ENTRY}', now, cost, total${i}, back${i}))
  end
  call('PEXPIRE', key${i}, long)`;
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

/** Time in ms, units, sum of units: 8, 4 and 8 bytes. And the entries between it and the shorter window's beginning. */
const ENTRY = '<dI4dI4';

const REDIS_CLOCK = "(function() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end)()";
