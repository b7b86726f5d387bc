import type { Redis, Result } from 'ioredis';

/**
 * Registers a heartbeat of this process, and starts a new epoch if needed. One script, so that two processes can't
 * start two epochs at the same time.
 *
 * KEYS: the epoch (hash), its members with the time of their last heartbeat (sorted set), and the processes that the
 * epoch waits for, with the time until which it waits (sorted set).
 * ARGV: process ID; the epoch whose windows this process has restored ('': none); the name for a new epoch; an epoch to
 * end ('': none); the bounds of Redis' clock; ms that a new epoch waits for processes that no other process knows; ms
 * after which units that a process admitted have expired; then for each other process its ID and the ms until its units
 * have expired.
 *
 * Returns the outcome (1: this process is a member, 0: it must restore its windows first, -1: the time is out of
 * bounds), the time, the epoch, the ms that it still waits, and the members with their last heartbeats.
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
  return { 0, now, epoch, 0 }
end
if now < tonumber(ARGV[5]) or now > tonumber(ARGV[6]) then return { -1, now, epoch, 0 } end
call('ZADD', KEYS[2], now, id)
call('ZREM', KEYS[3], id)
call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[8])
call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
local last = call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')
-- Rounded up, because a reply has only whole numbers.
local left = math.ceil(math.max(0, opens - now, (tonumber(last[2]) or 0) - now))
local answer = { 1, now, epoch, left }
for _, member in ipairs(call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')) do table.insert(answer, member) end
return answer`;

/** The braces are a hash tag: a Redis cluster stores the three keys on one node. */
const MEMBERS = 'latchkey:{members}';
const AWAITED = 'latchkey:{members}:awaited';
/** The key of the epoch. Each script compares it with the epoch of its caller. */
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

interface BeatOptions {
  readonly id: string;
  /** The epoch that this process is a member of; '' if there is none. */
  readonly epoch: string;
  /** The name of the new epoch if there is none. */
  readonly fresh: string;
  /** An epoch that must end because Redis' clock was set or its data can't be trusted; '' if there is none. */
  readonly ended: string;
  readonly earliest: number;
  readonly latest: number;
  /** How long a new epoch waits for processes that no other process knows, in ms. */
  readonly gather: number;
  /** How long units that a process admitted can affect a window, in ms. */
  readonly counts: number;
  /** The other processes, each with the ms until its units have expired. */
  readonly others: Iterable<readonly [id: string, ms: number]>;
}

export interface Beat {
  readonly outcome: 'joined' | 'new' | 'out of bounds';
  /** Redis' time, in ms. */
  readonly time: number;
  readonly epoch: string;
  /** Ms until the epoch opens. It opens earlier if all awaited processes join. 0 if it is open. */
  readonly opensIn: number;
  /** IDs and the times of the last heartbeats. */
  readonly members: readonly (readonly [id: string, time: number])[];
}

/**
 * Adds the script to a connection.
 *
 * @param time Redis' clock in Lua
 */
export function defineBeat(redis: Redis, time: string): void {
  redis.defineCommand('latchkeyBeat', { numberOfKeys: 3, lua: beatScript(time) });
}

/** Sends a heartbeat and returns the state of the epoch. Rejects if Redis does not respond or cannot write. */
export async function beat(redis: Redis, options: BeatOptions): Promise<Beat> {
  const { id, epoch, fresh, ended, earliest, latest, gather, counts, others } = options;
  const own = [id, epoch, fresh, ended, earliest, latest, gather, counts];
  const answer = await redis.latchkeyBeat(EPOCH, MEMBERS, AWAITED, ...own, ...[...others].flat());
  const [joined, time, name, opensIn, ...flat] = answer;
  return {
    outcome: joined === 1 ? 'joined' : joined === 0 ? 'new' : 'out of bounds',
    time: Number(time),
    epoch: String(name),
    opensIn: Number(opensIn),
    members: flat.flatMap((member, i) => (i % 2 === 0 ? [[String(member), Number(flat[i + 1])] as const] : [])),
  };
}

/** Removes a process from the members, so that no epoch waits for it. */
export async function leave(redis: Redis, id: string): Promise<void> {
  await redis.zrem(MEMBERS, id);
}
