import fc from 'fast-check';
import { FairLine } from '../../../src/core/keys/fairLine.js';

interface Harness {
  readonly line: FairLine;
  readonly started: string[];
  readonly shed: string[];
  readonly add: (owner: string, name?: string) => boolean;
  readonly run: (count?: number) => void;
}

/** Returns a queue, and the started and the rejected work in order. */
function lineOf(max: number, share = max): Harness {
  const line = new FairLine(max, share);
  const started: string[] = [];
  const shed: string[] = [];
  return {
    line,
    started,
    shed,
    add: (owner: string, name = owner) =>
      line.add(owner, { start: () => void started.push(name), shed: () => void shed.push(name) }) === null,
    run: (count = Infinity) => {
      for (let i = 0; i < count; i += 1) {
        const next = line.next();
        if (next === null) return;
        next.start();
      }
    },
  };
}

describe('R6: owners take turns', () => {
  it('so an owner with little work waits for one turn of each owner, not for all earlier work', () => {
    const { add, run, started } = lineOf(256);
    for (let i = 0; i < 90; i += 1) add('busy', `busy ${i}`);
    add('quiet');
    add('other');
    run(4);
    expect(started).toEqual(['busy 0', 'quiet', 'other', 'busy 1']);
  });

  it('a full queue accepts work from an owner with less waiting work than another owner', () => {
    const { add, run, started, shed, line } = lineOf(4);
    for (let i = 0; i < 4; i += 1) add('busy', `busy ${i}`);
    expect(add('busy', 'busy 4')).toBe(false);
    expect([add('quiet', 'quiet 0'), add('quiet', 'quiet 1'), add('quiet', 'quiet 2')]).toEqual([true, true, false]);
    expect([shed, line.length]).toEqual([['busy 3', 'busy 2'], 4]);
    run();
    expect(started).toEqual(['busy 0', 'quiet 0', 'busy 1', 'quiet 1']);
  });

  it('and one owner fills at most a quarter of the queue, even if it is empty', () => {
    const line = new FairLine(256);
    const nothing = { start: () => undefined, shed: () => undefined };
    const added = Array.from({ length: 90 }, () => line.add('busy', nothing));
    expect(added).toEqual([...Array<null>(64).fill(null), ...Array<string>(26).fill('share')]);
    for (const other of ['one', 'two', 'three']) {
      for (let i = 0; i < 64; i += 1) expect(line.add(other, nothing)).toBeNull();
    }
    expect([line.length, line.add('busy', nothing)]).toEqual([256, 'share']);
    // The share is free again as soon as work was removed.
    line.next()?.start();
    expect(line.add('busy', nothing)).toBeNull();
  });

  it('loses nothing, runs nothing twice, and keeps the order of each owner, for any input', () => {
    const step = fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.constant(null));
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200 }),
        fc.integer({ min: 1, max: 10 }),
        fc.nat(9),
        (steps, max, part) => {
          const { add, run, started, shed, line } = lineOf(max, 1 + (part % max));
          const refused: string[] = [];
          const all: string[] = [];
          steps.forEach((owner, i) => {
            if (owner === null) run(1);
            else {
              all.push(`${owner} ${i}`);
              if (!add(owner, `${owner} ${i}`)) refused.push(`${owner} ${i}`);
            }
            expect(line.length).toBeLessThanOrEqual(max);
          });
          run();
          expect([...started, ...shed, ...refused].toSorted()).toEqual(all.toSorted());
          for (const owner of ['a', 'b', 'c']) {
            const order = started.filter((name) => name.startsWith(owner)).map((name) => Number(name.slice(2)));
            expect(order).toEqual(order.toSorted((one, two) => one - two));
          }
        },
      ),
    );
  });
});
