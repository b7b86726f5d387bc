import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Asked } from '../server/redis/load.js';
import type { Fleet, Member, Reply } from './fleet.js';

/**
 * The time after which every process refuses a revoked key, in ms after the revocation was acknowledged:
 * AUTH_CACHE_TTL.
 */
export const REVOKED_WITHIN = 1_000;

const WHO = '{ viewer { scopes } }';

/** Work that runs until it is stopped. Stopping resolves with the observations. */
export type Stop<T> = () => Promise<T>;

/** Runs `turn` repeatedly in several lanes. @returns a function that stops it */
function lanes(count: number, pause: number, turn: (lane: number) => Promise<void>): Stop<void> {
  let stopped = false;
  const running = Array.from({ length: count }, async (_, lane) => {
    while (!stopped) {
      await turn(lane);
      await delay(pause);
    }
  });
  return async () => {
    stopped = true;
    await Promise.all(running);
  };
}

/** Sends requests to every member with one key, several at a time. */
export function startAskers(fleet: Fleet, token: string, atOnce: number, pause = 10): Stop<(Asked & Reply)[]> {
  const asked: (Asked & Reply)[] = [];
  const stop = lanes(atOnce * fleet.members.length, pause, async (lane) => {
    const process = lane % fleet.members.length;
    const reply = await fleet.member(process).ask(WHO, token);
    asked.push({ ...reply, process, outcome: outcomeOf(reply) });
  });
  return async () => {
    await stop();
    return asked.sort((a, b) => a.sent - b.sent);
  };
}

function outcomeOf({ status, body }: Reply): Asked['outcome'] {
  if (status === 200) return 'admitted';
  if (status === 429) return 'refused';
  if (status === 503) return 'unavailable';
  if (status === 0) return 'broken';
  throw new Error(`Unexpected response ${status}: ${JSON.stringify(body)}`);
}

/** Creates a key. @returns null unless the creation was acknowledged */
async function createKey(member: Member, admin: string, name: string): Promise<{ id: string; token: string } | null> {
  const { status, body } = await member.ask(
    `mutation { createApiKey(input: { name: "${name}", scopes: ["read:assets"] }) { token apiKey { id } } }`,
    admin,
  );
  if (status !== 200 || body?.data?.createApiKey == null) return null;
  return { token: body.data.createApiKey.token, id: body.data.createApiKey.apiKey.id };
}

/** Creates keys through every member. @returns the IDs of acknowledged keys */
export function startWriters(fleet: Fleet, admin: string, pause = 30): Stop<string[]> {
  const ids: string[] = [];
  const stop = lanes(fleet.members.length, pause, async (lane) => {
    const created = await createKey(fleet.member(lane), admin, `written ${ids.length}`);
    if (created !== null) ids.push(created.id);
  });
  return async () => {
    await stop();
    return ids;
  };
}

export interface Revocations {
  readonly acknowledged: number;
  /** Accepted requests with a revoked key that were sent after {@link REVOKED_WITHIN}. */
  readonly late: readonly { readonly process: number; readonly after: number }[];
}

/** Revokes keys that are in use on every member, one after another, and keeps using them. */
export function startRevocations(fleet: Fleet, admin: string): Stop<Revocations> {
  let acknowledged = 0;
  const late: { process: number; after: number }[] = [];
  const stop = lanes(4, 100, async (lane) => {
    const key = await createKey(fleet.member(lane), admin, 'to be revoked');
    if (key === null) return;
    await Promise.all(fleet.members.map((member) => member.ask(WHO, key.token)));
    const { status, body } = await fleet
      .member(lane + 1)
      .ask(`mutation { revokeApiKey(input: { id: "${key.id}" }) { __typename } }`, admin);
    if (status !== 200 || body?.data?.revokeApiKey == null) return;
    const at = performance.now();
    acknowledged += 1;
    while (performance.now() < at + REVOKED_WITHIN + 500) {
      const replies = await Promise.all(fleet.members.map((member) => member.ask(WHO, key.token)));
      for (const [process, reply] of replies.entries())
        if (reply.status === 200 && reply.sent > at + REVOKED_WITHIN) late.push({ process, after: reply.sent - at });
      await delay(50);
    }
  });
  return async () => {
    await stop();
    return { acknowledged, late };
  };
}
