import fc from 'fast-check';
import type { KeyRecord } from '../../../../src/core/store/records.js';
import type { Store } from '../../../../src/core/store/store.js';
import type { Bench } from './bench.js';
import { aKey, anHeir, givenWorkspace, listed, summaryOf } from '../fixtures.js';
import { LONG_AGO, removeAll } from './removal.js';

/** The steps for the store and the model. `nth` selects one of the keys created so far. */
type Step =
  | { readonly do: 'insert'; readonly places: number | null; readonly life: number | null }
  | { readonly do: 'rotate'; readonly nth: number; readonly overlap: number; readonly life: number | null }
  | { readonly do: 'expire'; readonly nth: number; readonly in: number }
  | { readonly do: 'revoke'; readonly nth: number }
  | { readonly do: 'rename'; readonly nth: number; readonly name: string }
  | { readonly do: 'remove'; readonly limit: number }
  | { readonly do: 'wait'; readonly for: number };

const nth = fc.nat(7);
const span = fc.integer({ min: 0, max: 6 });
const life = fc.option(fc.integer({ min: 1, max: 9 }));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('insert'), places: fc.option(fc.integer({ min: 0, max: 4 })), life }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('rotate'), nth, overlap: span, life }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('expire'), nth, in: span }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('revoke'), nth }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('rename'), nth, name: fc.string({ minLength: 1, maxLength: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove'), limit: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait'), for: span }) },
);

/** A second implementation of the interface, as a simple list in memory. */
class Model {
  keys: KeyRecord[] = [];
  made = 0;
  now = LONG_AGO;

  lives({ revokedAt, expiresAt }: KeyRecord): boolean {
    return revokedAt === null && (expiresAt === null || expiresAt > this.now);
  }

  families(): number {
    return new Set(this.keys.filter((key) => this.lives(key)).map((key) => key.familyId)).size;
  }

  set(id: string, fields: Partial<KeyRecord>): void {
    const at = this.keys.findIndex((key) => key.id === id);
    const key = this.keys[at];
    if (key !== undefined) this.keys[at] = { ...key, ...fields };
  }
}

/** Runs one step on both. @returns the store's result and the expected one */
async function take(step: Step, store: Store, ws: string, model: Model): Promise<[string, string]> {
  const { keys } = store;
  const { now } = model;
  const end = (life: number | null): number | null => (life === null ? null : now + life);
  if (step.do === 'wait') {
    model.now += step.for;
    return ['', ''];
  }
  if (step.do === 'remove') {
    await removeAll(store, now, step.limit);
    model.keys = model.keys.filter(({ revokedAt, expiresAt }) => (revokedAt ?? expiresAt ?? Infinity) > now);
    return ['', ''];
  }
  if (step.do === 'insert') {
    // In the order of creation, so that both lists have the same order.
    const key = aKey(ws, { expiresAt: end(step.life), createdAt: LONG_AGO + model.made++ });
    const answer = await keys.insert(key, step.places, now);
    const full = step.places !== null && model.families() >= step.places;
    const expected = full ? { outcome: 'full', living: model.families() } : { outcome: 'inserted' };
    if (!full) model.keys.push(key);
    return [JSON.stringify(answer), JSON.stringify(expected)];
  }
  const key = model.keys[step.nth % Math.max(model.keys.length, 1)];
  if (key === undefined) return ['', ''];
  const lives = model.lives(key);
  switch (step.do) {
    case 'rotate': {
      const heir = anHeir(key, { expiresAt: end(step.life), createdAt: LONG_AGO + model.made++ });
      const { outcome } = await keys.rotate(
        key.id,
        ws,
        { successor: heir, overlapEnd: now + step.overlap },
        { at: now },
      );
      if (lives && key.replacedBy === null) {
        const expiresAt = Math.min(key.expiresAt ?? Infinity, now + step.overlap);
        model.set(key.id, { replacedBy: heir.id, expiresAt });
        model.keys.push(heir);
        return [outcome, 'changed'];
      }
      return [outcome, key.revokedAt === null && key.replacedBy !== null ? 'replaced' : 'ended'];
    }
    case 'expire': {
      const at = now + step.in;
      const { outcome } = await keys.expire(key.id, ws, at, { at: now });
      if (!lives) return [outcome, 'ended'];
      if (key.replacedBy !== null && at > (key.expiresAt ?? Infinity)) return [outcome, 'replaced'];
      model.set(key.id, { expiresAt: at, lifetime: null });
      return [outcome, 'changed'];
    }
    case 'revoke': {
      const { outcome } = await keys.revoke(key.id, ws, String(now), { at: now });
      if (key.revokedAt === null) model.set(key.id, { revokedAt: now, revokedReason: String(now) });
      return [outcome, 'changed'];
    }
    case 'rename': {
      const { outcome } = await keys.update(key.id, ws, { name: step.name }, { at: now });
      if (lives) model.set(key.id, { name: step.name });
      return [outcome, lives ? 'changed' : 'ended'];
    }
  }
}

export function testModel({ store, runs }: Bench): void {
  test('any sequence of steps has the result that the interface documents', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const ws = await givenWorkspace(store());
        const model = new Model();
        for (const next of steps) {
          const [answer, expected] = await take(next, store(), ws, model);
          expect(answer).toBe(expected);
          expect(await store().keys.countFamilies(ws, model.now)).toBe(model.families());
        }
        expect(await listed(store(), ws, {}, model.now)).toEqual(model.keys.map(summaryOf).toReversed());
        const active = await listed(store(), ws, { status: 'ACTIVE' }, model.now);
        expect(active).toEqual(
          model.keys
            .filter((key) => model.lives(key))
            .map(summaryOf)
            .toReversed(),
        );
      }),
      { numRuns: runs },
    );
  });
}
