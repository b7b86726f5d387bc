import fc from 'fast-check';
import { ReadCache } from '../../../src/core/auth/readCache.js';

const TTL = 1_000;

interface Value {
  readonly version: number;
}

describe('any events in any order', () => {
  const key = fc.constantFrom('a', 'a', 'a', 'b');
  const command = fc.oneof(
    fc.record({ do: fc.constant('get' as const), key }),
    fc.record({ do: fc.constant('look' as const), key }),
    /** A change by another process, without an announcement. */
    fc.record({ do: fc.constant('write' as const), key }),
    fc.record({ do: fc.constant('writeAndForget' as const), key, all: fc.boolean() }),
    /** The store completes a running read, with the value at its start or the current one. */
    fc.record({
      do: fc.constant('answer' as const),
      which: fc.nat(3),
      seen: fc.constantFrom('first', 'first', 'now', 'none'),
    }),
    fc.record({ do: fc.constant('advance' as const), by: fc.constantFrom(1, 10, TTL / 2, TTL - 1, TTL) }),
    /** Runs all pending continuations. */
    fc.record({ do: fc.constant('wait' as const) }),
  );

  /** The history of a key. In version 0 it does not exist. */
  class History {
    readonly writes: { readonly at: number; readonly turn: number }[] = [];
    /** The oldest version that a new request may see. */
    known = 0;
  }

  /** Runs the commands and returns a message for each violation. */
  async function violations(
    ttl: number,
    commands: readonly (typeof command extends fc.Arbitrary<infer C> ? C : never)[],
  ) {
    const found: string[] = [];
    const histories = { a: new History(), b: new History() } as const;
    const clock = { now: 0 };
    const reads: {
      answer: (value: Value | null) => void;
      fail: (error: Error) => void;
      key: 'a' | 'b';
      first: number;
    }[] = [];
    let turn = 0;
    const cache = new ReadCache<Value>({
      ttl,
      max: 10,
      clock: () => clock.now,
      read: (name) =>
        new Promise((answer, fail) => {
          const key = name as 'a' | 'b';
          reads.push({ answer, fail, key, first: histories[key].writes.length });
        }),
    });
    /** Checks the result of a request that starts now. */
    const judge = (key: 'a' | 'b') => {
      const { known, writes } = histories[key];
      const [askedAt, askedIn] = [clock.now, turn];
      return (value: Value | null) => {
        const version = value?.version ?? 0;
        if (version < known) found.push(`${key}: version ${version} after ${known} was told of`);
        const ended = writes[version];
        const old = ended !== undefined && ended.turn < askedIn && askedAt - ended.at >= ttl;
        if (old) found.push(`${key}: version ${version}, which had ended ${askedAt - ended.at} ms before`);
      };
    };
    const asked: Promise<void>[] = [];
    for (const step of commands) {
      turn += 1;
      switch (step.do) {
        case 'get':
          asked.push(cache.get(step.key).then(judge(step.key), () => undefined));
          break;
        case 'look': {
          const value = cache.fresh(step.key);
          if (value !== undefined) judge(step.key)(value);
          break;
        }
        case 'write':
        case 'writeAndForget': {
          const history = histories[step.key];
          history.writes.push({ at: clock.now, turn });
          if (step.do === 'write') break;
          if (step.all) cache.forgetWhere(() => true);
          else cache.forget(step.key);
          history.known = history.writes.length;
          break;
        }
        case 'answer': {
          const [read] = reads.splice(step.which % Math.max(1, reads.length), 1);
          if (read === undefined) break;
          const version = step.seen === 'first' ? read.first : histories[read.key].writes.length;
          if (step.seen === 'none') read.fail(new Error('away'));
          else read.answer(version === 0 ? null : { version });
          break;
        }
        case 'advance':
          clock.now += step.by;
          break;
        case 'wait':
          for (let i = 0; i < 8; i++) await Promise.resolve();
      }
    }
    for (const read of reads) read.fail(new Error('away'));
    await Promise.all(asked);
    return found;
  }

  it('a request after forget sees nothing from before it, and no request sees a value older than ttl', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(TTL, TTL, TTL, 0),
        fc.array(command, { minLength: 20, maxLength: 100, size: 'max' }),
        async (ttl, commands) => {
          expect(await violations(ttl, commands)).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
