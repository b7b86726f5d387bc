import fc from 'fast-check';
import { setImmediate as turn } from 'node:timers/promises';
import { answersTo } from '../../../src/server/cluster/answers.js';
import type { Asks } from '../../../src/server/cluster/messages.js';
import { RemoteLimits, type RemoteLimitsOptions } from '../../../src/server/cluster/remoteLimits.js';
import { Limiter } from '../../../src/core/limits/limiter.js';
import type { Limits } from '../../../src/core/limits/limits.js';
import { CATEGORIES } from '../../../src/core/limits/category.js';
import { tierTable } from '../../../src/core/limits/tierTable.js';
import { Refusal } from '../../../src/core/errors/refusal.js';
import { PUBLISHED_TIERS } from '../../../src/core/limits/tierNames.js';
import type { Tier } from '../../../src/core/store/records.js';

const tiers = tierTable({
  STARTER: { categories: { write: { rate: 4, burst: 2 } } },
  GROWTH: { categories: { read: { rate: 100, burst: 20 }, admin: { rate: 5, burst: 5 } } },
});

const costly = tierTable({ GROWTH: { cost: { max: 50, rate: 60, burst: 30 } } }).GROWTH;

const GROWTH = { family: 'key_a', tier: 'GROWTH' } as const;

/** A worker's side and a primary's side. The messages between them are text, as on the channel. */
function link(options: Partial<RemoteLimitsOptions> = {}, limiter = new Limiter({ clock: () => 0 })) {
  const asked: Asks[] = [];
  /** Messages that the primary has not answered yet. It responds in `answer`, or immediately. */
  const held: Asks[] = [];
  const switches = { hold: false };
  const limits: RemoteLimits = new RemoteLimits({
    send(message) {
      asked.push(message);
      held.push(message);
      if (!switches.hold) answer();
    },
    ...options,
  });
  const answer = (): void => {
    for (const message of held.splice(0)) {
      const received = JSON.parse(JSON.stringify(message)) as Asks;
      limits.receive(JSON.parse(JSON.stringify(answersTo(received, limiter))) as ReturnType<typeof answersTo>);
    }
  };
  return { limits, limiter, asked, answer, switches };
}

async function refusalOf(asking: Promise<unknown>): Promise<{ details: unknown; cause: string }> {
  const error: unknown = await asking.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Refusal)) throw new Error(`It was not refused: ${String(error)}`);
  return { details: error.details, cause: (error.cause as Error).message };
}

const UNAVAILABLE = { code: 'UNAVAILABLE', retryAfter: 1 };

test('sends a hundred admissions of one turn in one message, and those of the next turn in another', async () => {
  const { limits, asked } = link();
  const admissions = await Promise.all(Array.from({ length: 100 }, () => limits.admit(GROWTH)));
  expect(asked.map(({ asks }) => asks.length)).toEqual([100]);
  expect(admissions.filter(({ outcome }) => outcome === 'admitted')).toHaveLength(25);
  await limits.peek(GROWTH);
  expect(asked.map(({ asks }) => asks.length)).toEqual([100, 1]);
});

test('callbacks of one turn share a message, even if promises are settled between them', async () => {
  const { limits, asked } = link();
  const admissions: Promise<unknown>[] = [];
  for (let i = 0; i < 10; i++) setImmediate(() => admissions.push(limits.admit(GROWTH)));
  await turn();
  await Promise.all(admissions);
  expect(asked.map(({ asks }) => asks.length)).toEqual([10]);
});

test('returns the same results as a limiter in this process, each for its own request', async () => {
  const tier = fc.constantFrom<Tier>(...PUBLISHED_TIERS);
  const ask = fc.record({
    family: fc.constantFrom('a', 'b'),
    tier,
    category: fc.option(fc.constantFrom(...CATEGORIES), { nil: undefined }),
    cost: fc.option(fc.integer({ min: 1, max: 120 })),
    units: fc.constantFrom(0, 7),
    more: fc.constantFrom(
      {},
      { limits: costly, shared: [{ of: 'owner', name: 'owner/1', rate: 40, burst: 9 } as const] },
    ),
    back: fc.option(fc.nat({ max: 3 })),
    pass: fc.integer({ min: 0, max: 700 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(ask, { maxLength: 20 }), { maxLength: 10 }), async (turns) => {
      let now = 0;
      const clock = (): number => now;
      const local = new Limiter({ clock, tiers });
      const { limits } = link({}, new Limiter({ clock, tiers }));
      for (const asks of turns) {
        now += asks[0]?.pass ?? 0;
        const ask = (of: Limits) =>
          asks.map(async ({ family, tier: its, category, cost, units, more }) => {
            const subject = { family, tier: its, category, ...more };
            return cost === null ? of.peek(subject, units > 0 ? 'cost' : 'requests') : of.admit(subject, cost, units);
          });
        const expected = await Promise.all(ask(local));
        const answers = await Promise.all(ask(limits));
        expect(answers).toEqual(expected);
        asks.forEach(({ back }, i) => {
          if (back === null || back === 0) return;
          const [answer, its] = [answers[i], expected[i]];
          if (answer === undefined || its === undefined || !('outcome' in answer) || !('outcome' in its)) return;
          limits.giveBack(answer, back);
          local.giveBack(its, back);
        });
      }
    }),
    { numRuns: 50 },
  );
});

test('the limits of a tier are one object, because the header fields are cached by it', async () => {
  const { limits } = link();
  const first = await limits.admit(GROWTH);
  const other = await limits.admit({ family: 'key_b', tier: 'GROWTH' });
  expect(other.limits).toBe(first.limits);
  expect((await limits.admit({ family: 'key_b', tier: 'STARTER' })).limits).not.toEqual(first.limits);
  expect((await limits.admit({ ...GROWTH, category: 'write' })).limits).toBe(first.limits);
});

test('rejects an invalid cost, and sends nothing', async () => {
  const { limits, asked } = link();
  for (const cost of [0, -1, 1.5, NaN, Infinity]) await expect(limits.admit(GROWTH, cost)).rejects.toThrow(RangeError);
  expect(asked).toEqual([]);
});

test("refuses only the request that the primary can't process", async () => {
  const { limits } = link();
  const unreadable = refusalOf(limits.admit({ family: undefined as never, tier: 'GROWTH' }));
  const beside = limits.admit(GROWTH);
  expect((await unreadable).details).toEqual(UNAVAILABLE);
  expect((await beside).outcome).toBe('admitted');
});

describe('fails closed', () => {
  it('if the primary does not respond; a late response has no effect', async () => {
    const { limits, answer, switches, limiter } = link({ timeout: 10 });
    switches.hold = true;
    const refusals = await Promise.all([refusalOf(limits.admit(GROWTH, 20)), refusalOf(limits.peek(GROWTH))]);
    for (const refusal of refusals) {
      expect(refusal).toEqual({ details: UNAVAILABLE, cause: 'The primary did not answer within 10 ms.' });
    }
    answer();
    // They were taken anyway: a lost unit is better than one given twice.
    expect(limiter.peek(GROWTH).burst.remaining).toBe(5);
    switches.hold = false;
    expect(await limits.admit(GROWTH)).toMatchObject({ outcome: 'admitted', room: { burst: { remaining: 4 } } });
  });

  it('if the channel is closed, before or while sending', async () => {
    for (const later of [(fail: () => void) => fail(), (fail: () => void) => void setImmediate(fail)]) {
      const { limits } = link({ send: (_, failed) => later(() => failed(new Error('channel closed'))) });
      const refusals = await Promise.all([refusalOf(limits.admit(GROWTH)), refusalOf(limits.peek(GROWTH))]);
      for (const refusal of refusals) expect(refusal).toEqual({ details: UNAVAILABLE, cause: 'channel closed' });
    }
  });

  it('beyond the maximum of requests without a response, until there are responses', async () => {
    const { limits, asked, answer, switches } = link({ maxPending: 3 });
    switches.hold = true;
    const waiting = [limits.admit(GROWTH), limits.admit(GROWTH)];
    await turn();
    waiting.push(limits.admit(GROWTH));
    const { details } = await refusalOf(limits.admit(GROWTH));
    expect(details).toEqual(UNAVAILABLE);
    await turn();
    expect(asked.map(({ asks }) => asks.length)).toEqual([2, 1]);
    answer();
    expect((await Promise.all(waiting)).map(({ outcome }) => outcome)).toEqual(Array(3).fill('admitted'));
    switches.hold = false;
    expect(await limits.admit(GROWTH)).toMatchObject({ room: { burst: { remaining: 21 } } });
  });

  it('after closing: for collected, sent and new requests', async () => {
    const { limits, asked, switches } = link();
    switches.hold = true;
    const sent = refusalOf(limits.admit(GROWTH));
    await turn();
    const gathered = refusalOf(limits.admit(GROWTH));
    limits.close();
    limits.close();
    const late = refusalOf(limits.peek(GROWTH));
    for (const refusal of await Promise.all([sent, gathered, late])) {
      expect(refusal).toEqual({ details: UNAVAILABLE, cause: 'The limits are closed.' });
    }
    await turn();
    expect(asked).toHaveLength(1);
  });
});
