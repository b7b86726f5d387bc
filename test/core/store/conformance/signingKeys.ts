import type { Bench } from './bench.js';
import type { SigningKeyRecord } from '../../../../src/core/store/records.js';
import { NOW, unique } from '../fixtures.js';

export function testSigningKeys({ store }: Bench): void {
  describe('signing keys', () => {
    const aSigningKey = (fields: Partial<SigningKeyRecord> = {}): SigningKeyRecord => ({
      id: unique('kid'),
      publicKey: 'x'.repeat(43),
      createdAt: NOW,
      endsAt: NOW + 1_000,
      ...fields,
    });
    /** Ends all keys of earlier tests, because keys belong to no workspace. */
    const givenNone = async (): Promise<void> => {
      const key = aSigningKey({ endsAt: 0 });
      await store().signingKeys.publish(key, Number.MAX_SAFE_INTEGER);
      expect(await store().signingKeys.list(0, 9)).toEqual([]);
    };

    test('are returned as they were published, latest end first', async () => {
      await givenNone();
      const keys = [2, 0, 1].map((i) => aSigningKey({ endsAt: NOW + 100 + i }));
      for (const key of keys) await store().signingKeys.publish(key, NOW);
      const [last, first, second] = keys;
      expect(await store().signingKeys.list(NOW, 9)).toEqual([last, second, first]);
      expect(await store().signingKeys.list(NOW, 2)).toEqual([last, second]);
      expect(await store().signingKeys.find(first?.id ?? '')).toEqual(first);
      expect(await store().signingKeys.find('none')).toBeNull();
    });

    test('are listed until exactly their end, and removed by the next publication', async () => {
      await givenNone();
      const key = aSigningKey();
      await store().signingKeys.publish(key, NOW);
      expect(await store().signingKeys.list(key.endsAt - 1, 9)).toEqual([key]);
      expect(await store().signingKeys.list(key.endsAt, 9)).toEqual([]);
      const next = aSigningKey({ endsAt: NOW + 5_000 });
      await store().signingKeys.publish(next, key.endsAt - 1);
      expect(await store().signingKeys.find(key.id)).toEqual(key);
      await store().signingKeys.publish(next, key.endsAt);
      expect(await store().signingKeys.find(key.id)).toBeNull();
      expect(await store().signingKeys.list(0, 9)).toEqual([next]);
    });

    test('can only change their end', async () => {
      await givenNone();
      const key = aSigningKey();
      await store().signingKeys.publish(key, NOW);
      await store().signingKeys.publish({ ...key, publicKey: 'y'.repeat(43), createdAt: 1, endsAt: NOW + 7 }, NOW);
      expect(await store().signingKeys.find(key.id)).toEqual({ ...key, endsAt: NOW + 7 });
      await store().signingKeys.publish({ ...key, endsAt: NOW }, NOW);
      expect(await store().signingKeys.find(key.id)).toBeNull();
    });

    test('of concurrent publications are all kept', async () => {
      await givenNone();
      const keys = Array.from({ length: 8 }, (_, i) => aSigningKey({ endsAt: NOW + 1_000 - i }));
      await Promise.all(keys.map((key) => store().signingKeys.publish(key, NOW)));
      expect(await store().signingKeys.list(NOW, 9)).toEqual(keys);
    });
  });
}
