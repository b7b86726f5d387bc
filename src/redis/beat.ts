import type { Redis, Result } from 'ioredis';

/**
 * One beat of a process. It is one script, so that processes cannot begin two epochs at once.
 *
 * KEYS: the epoch (a hash), its members by their last beat, and the processes that the epoch waits for, by until when.
 * ARGV: id of the process; the epoch whose windows it has restored ('': none); the name of an epoch to begin; an epoch to
 * end ('': none); bounds of Redis' clock; ms for which a new epoch waits for processes that nobody knows; ms after which what
 * a process admitted no longer counts; then other processes, each with the ms for which what it admitted may still count.
 *
 * Answers whether this process takes part (1: yes, 0: it has to restore its windows first, -1: the time is out of bounds), the
 * time, the epoch, ms that it still waits, how many processes it waits for, and its members with their last beats.
 */
const beatScript = (time: string): string => `
local call = redis.call
local id, mine, fresh, ended = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local server = string.match(call('INFO', 'server'), 'run_id:(%x+)')
local now = ${time}
local state = call('HMGET', KEYS[1], 'epoch', 'server', 'opens')
local epoch, opens = state[1], tonumber(state[3])
-- Another server, or the same one started again: it may lack what was written last, also where it keeps its data on disk.
if not epoch or not opens or state[2] ~= server or epoch == ended then
  epoch, opens = fresh, now + ARGV[7]
  call('DEL', KEYS[2], KEYS[3])
  call('HSET', KEYS[1], 'epoch', epoch, 'server', server, 'opens', opens)
end
if epoch ~= mine then
  for i = 9, #ARGV, 2 do
    local till = now + ARGV[i + 1]
    if not call('ZSCORE', KEYS[2], ARGV[i]) and till > tonumber(call('ZSCORE', KEYS[3], ARGV[i]) or 0) then
      call('ZADD', KEYS[3], till, ARGV[i])
    end
  end
  return { 0, now, epoch, 0, 0 }
end
if now < tonumber(ARGV[5]) or now > tonumber(ARGV[6]) then return { -1, now, epoch, 0, 0 } end
call('ZADD', KEYS[2], now, id)
call('ZREM', KEYS[3], id)
call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[8])
call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
local last = call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')
local left = math.max(0, opens - now, (tonumber(last[2]) or 0) - now)
local answer = { 1, now, epoch, left, call('ZCARD', KEYS[3]) }
for _, member in ipairs(call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')) do table.insert(answer, member) end
return answer`;

/** The braces keep all of them on one node of a cluster. */
const MEMBERS = 'latchkey:{members}';
const AWAITED = 'latchkey:{members}:awaited';
/** What every script that counts compares its epoch with. */
export const EPOCH = 'latchkey:{members}:epoch';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    latchkeyBeat(
      epoch: string,
      members: string,
      awaited: string,
      ...more: (string | number)[]
    ): Result<readonly (string | number)[], Context>;
  }
}

export interface BeatOptions {
  readonly id: string;
  /** The epoch that this process takes part in; '': none. */
  readonly epoch: string;
  /** The name of the epoch that begins if there is none. */
  readonly fresh: string;
  /** An epoch that must end, since Redis' clock was set or its data may be another's; '': none. */
  readonly ended: string;
  readonly earliest: number;
  readonly latest: number;
  /** For how long a new epoch waits for processes that nobody knows, in ms. */
  readonly gather: number;
  /** For how long what a process admitted counts, in ms. */
  readonly counts: number;
  /** The other processes, each with the ms for which what it admitted may still count. */
  readonly others: Iterable<readonly [id: string, ms: number]>;
}

export interface Beat {
  readonly outcome: 'joined' | 'new' | 'out of bounds';
  /** Redis' time, in ms. */
  readonly time: number;
  readonly epoch: string;
  /** Ms until the epoch opens, unless those come earlier that it waits for. 0: it is open. */
  readonly opensIn: number;
  /** Processes that it waits for. */
  readonly awaited: number;
  /** Ids and the times of their last beats. */
  readonly members: readonly (readonly [id: string, time: number])[];
}

/** Adds the script to a connection. @param time Redis' clock in Lua */
export function defineBeat(redis: Redis, time: string): void {
  redis.defineCommand('latchkeyBeat', { numberOfKeys: 3, lua: beatScript(time) });
}

/** Tells Redis that this process lives, and returns what it takes part in. Rejects if Redis does not answer or cannot write. */
export async function beat(redis: Redis, options: BeatOptions): Promise<Beat> {
  const { id, epoch, fresh, ended, earliest, latest, gather, counts, others } = options;
  const own = [id, epoch, fresh, ended, earliest, latest, gather, counts];
  const answer = await redis.latchkeyBeat(EPOCH, MEMBERS, AWAITED, ...own, ...[...others].flat());
  const [joined, time, name, opensIn, awaited, ...flat] = answer;
  return {
    outcome: joined === 1 ? 'joined' : joined === 0 ? 'new' : 'out of bounds',
    time: Number(time),
    epoch: String(name),
    opensIn: Number(opensIn),
    awaited: Number(awaited),
    members: flat.flatMap((member, i) => (i % 2 === 0 ? [[String(member), Number(flat[i + 1])] as const] : [])),
  };
}

/** Takes a process out of the members, so that no epoch waits for it. */
export async function leave(redis: Redis, id: string): Promise<void> {
  await redis.zrem(MEMBERS, id);
}
