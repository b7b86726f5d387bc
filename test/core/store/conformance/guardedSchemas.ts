import type { Bench } from './bench.js';
import type { GuardedSchemaRecord } from '../../../../src/core/store/records.js';
import { NOW, unique } from '../fixtures.js';

export function testGuardedSchemas({ store }: Bench): void {
  describe('guarded schemas', () => {
    const aSchema = (fields: Partial<GuardedSchemaRecord> = {}): GuardedSchemaRecord => ({
      id: unique('schema'),
      scopes: [
        { scope: 'read:orders', opens: ['Query.orders', 'Order.items'] },
        { scope: 'write:orders', opens: [] },
      ],
      host: 'orders-1',
      publishedAt: NOW,
      endsAt: NOW + 1_000,
      ...fields,
    });
    /** Ends all schemas of earlier tests, because schemas belong to no workspace. */
    const givenNone = async (): Promise<void> => {
      await store().guardedSchemas.publish(aSchema({ endsAt: 0 }), Number.MAX_SAFE_INTEGER);
      expect(await store().guardedSchemas.list(0, 9)).toEqual([]);
    };

    test('are returned as they were published, latest end first', async () => {
      await givenNone();
      const schemas = [2, 0, 1].map((i) => aSchema({ endsAt: NOW + 100 + i }));
      for (const schema of schemas) await store().guardedSchemas.publish(schema, NOW);
      const [last, first, second] = schemas;
      expect(await store().guardedSchemas.list(NOW, 9)).toEqual([last, second, first]);
      expect(await store().guardedSchemas.list(NOW, 2)).toEqual([last, second]);
    });

    test('are listed until exactly their end, and removed by the next publication', async () => {
      await givenNone();
      const schema = aSchema();
      await store().guardedSchemas.publish(schema, NOW);
      expect(await store().guardedSchemas.list(schema.endsAt - 1, 9)).toEqual([schema]);
      expect(await store().guardedSchemas.list(schema.endsAt, 9)).toEqual([]);
      const next = aSchema({ endsAt: NOW + 5_000 });
      await store().guardedSchemas.publish(next, schema.endsAt);
      expect(await store().guardedSchemas.list(0, 9)).toEqual([next]);
    });

    test('are replaced by their ID', async () => {
      await givenNone();
      const schema = aSchema();
      await store().guardedSchemas.publish(schema, NOW);
      const again = { ...schema, host: 'orders-2', publishedAt: NOW + 7, endsAt: NOW + 2_000 };
      await store().guardedSchemas.publish(again, NOW);
      expect(await store().guardedSchemas.list(NOW, 9)).toEqual([again]);
    });

    test('of concurrent publications are all kept', async () => {
      await givenNone();
      const schemas = Array.from({ length: 4 }, (_, i) => aSchema({ endsAt: NOW + 1_000 - i }));
      await Promise.all([...schemas, ...schemas].map((schema) => store().guardedSchemas.publish(schema, NOW)));
      expect(await store().guardedSchemas.list(NOW, 9)).toEqual(schemas);
    });
  });
}
