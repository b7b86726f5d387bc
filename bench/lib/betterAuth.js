import { apiKey } from '@better-auth/api-key';
import { memoryAdapter } from '@better-auth/memory-adapter';
import { mongodbAdapter } from '@better-auth/mongo-adapter';
import { betterAuth } from 'better-auth';
import mongoose from 'mongoose';

const PERMISSIONS = { greetings: ['read'], orders: ['read'], margins: ['read'] };

/**
 * Creates better-auth with its plugin for API keys. It counts requests like Latchkey, with a limit that is never
 * reached.
 *
 * @param {string | null} mongodbUri null for its in-memory adapter
 */
export async function openBetterAuth(mongodbUri) {
  const { database, close } = mongodbUri === null ? inMemory() : await inMongo(mongodbUri);
  const auth = betterAuth({
    baseURL: 'http://127.0.0.1',
    secret: 'a-secret-for-measurements-of-32-characters',
    database,
    emailAndPassword: { enabled: true },
    logger: { disabled: true },
    telemetry: { enabled: false },
    plugins: [apiKey({ rateLimit: { enabled: true, timeWindow: 60_000, maxRequests: 1e9 } })],
  });
  const { user } = await auth.api.signUpEmail({
    body: { name: 'Ada', email: `ada.${Date.now()}@example.com`, password: 'a-long-password' },
  });
  return {
    /** @returns {Promise<string>} a key */
    async createKey() {
      return (await auth.api.createApiKey({ body: { userId: user.id, permissions: PERMISSIONS } })).key;
    },
    /** @param {string} key @returns {Promise<string[] | null>} its scopes; null where it is not valid */
    async verify(key) {
      const verdict = await auth.api.verifyApiKey({ body: { key } });
      if (!verdict.valid) return null;
      return Object.entries(verdict.key.permissions).flatMap(([what, actions]) =>
        actions.map((may) => `${may}:${what}`),
      );
    },
    close,
  };
}

function inMemory() {
  const tables = { user: [], session: [], account: [], verification: [], apikey: [] };
  return { database: memoryAdapter(tables), close: async () => {} };
}

async function inMongo(uri) {
  const connection = await mongoose.createConnection(uri, { dbName: 'bench_better_auth' }).asPromise();
  // Its adapter makes no indexes; without one on the hash every verification would read the whole collection.
  await connection.db.collection('apikey').createIndex({ key: 1 });
  return {
    // A single server has no transactions.
    database: mongodbAdapter(connection.db, { transaction: false }),
    async close() {
      await connection.dropDatabase();
      await connection.close();
    },
  };
}
