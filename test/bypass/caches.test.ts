import type { ApolloServerPlugin, GraphQLResponse } from '@apollo/server';
import type { LatchkeyContext, Principal } from '../../src/core/auth/principal.js';
import { guardSchema } from '../../src/core/guard/guard.js';
import { createKey, startService, type TestService } from '../support/service.js';
import { keyWith, noting, ownSchema, serving, type Ran } from './own.js';

const ASSETS = '{ assets { name } }';

const ran: Ran = [];
beforeEach(() => void ran.splice(0));

const reports = () =>
  guardSchema(
    ownSchema('type Query { report: String @auth(scope: "read:reports") open: String @public }', {
      Query: noting(ran, 'Query', { report: 'confidential', open: 'yes' }),
    }),
  );

describe('caches and identity', () => {
  describe('B30 a change of a key takes effect at the next request', () => {
    let service: TestService;
    beforeAll(async () => {
      service = await startService();
    });
    afterAll(() => service.close());

    const run = async (query: string, variables: object) => {
      const { body } = await service.query(query, { variables });
      expect(body.errors).toBeUndefined();
      return body.data;
    };

    /** A key that has been used, so that all its data is cached. */
    const usedKey = async () => {
      const key = await createKey(service, { scopes: ['read:assets'] });
      for (let i = 0; i < 3; i++) expect((await service.query(ASSETS, { token: key.token })).status).toBe(200);
      return key;
    };

    it('B30 revoked', async () => {
      const [key, other] = [await usedKey(), await usedKey()];
      await run('mutation ($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }', { id: key.id });
      const refused = await service.query(ASSETS, { token: key.token });
      expect(refused.status).toBe(401);
      expect(refused.body.errors[0].extensions).toEqual({ code: 'UNAUTHENTICATED', reason: 'revoked' });
      expect((await service.query(ASSETS, { token: other.token })).status).toBe(200);
    });

    it('B30 expired', async () => {
      const key = await usedKey();
      const at = new Date(Date.now() - 1_000).toISOString();
      await run('mutation ($input: ExpireApiKeyInput!) { expireApiKey(input: $input) { apiKey { id } } }', {
        input: { id: key.id, at },
      });
      const refused = await service.query(ASSETS, { token: key.token });
      expect(refused.status).toBe(401);
      expect(refused.body.errors[0].extensions.reason).toBe('expired');
    });

    it('B30 rotated: without an overlap the old key stops working, with one both work', async () => {
      const rotate = async (id: string, overlap: string): Promise<string> => {
        const data = await run('mutation ($input: RotateApiKeyInput!) { rotateApiKey(input: $input) { token } }', {
          input: { id, overlap },
        });
        return data.rotateApiKey.token;
      };
      const ended = await usedKey();
      const successor = await rotate(ended.id, 'PT0S');
      expect((await service.query(ASSETS, { token: ended.token })).status).toBe(401);
      expect((await service.query(ASSETS, { token: successor })).status).toBe(200);

      const overlapping = await usedKey();
      const next = await rotate(overlapping.id, 'PT1H');
      expect((await service.query(ASSETS, { token: overlapping.token })).status).toBe(200);
      expect((await service.query(ASSETS, { token: next })).status).toBe(200);
    });

    it('B30 changed scopes: fewer and more scopes take effect immediately', async () => {
      const key = await usedKey();
      const rescope = (scopes: string[]) =>
        run('mutation ($input: UpdateApiKeyInput!) { updateApiKey(input: $input) { apiKey { scopes } } }', {
          input: { id: key.id, scopes },
        });
      await rescope(['write:assets']);
      const refused = await service.query(ASSETS, { token: key.token });
      expect(refused.status).toBe(403);
      expect(refused.body.errors[0].extensions.missing).toEqual(['read:assets']);
      await rescope(['read:all']);
      expect((await service.query(ASSETS, { token: key.token })).status).toBe(200);
    });
  });

  it('B30 a decision is not reused for other variables or another key', async () => {
    const query = 'query ($v: Boolean!) { open report @include(if: $v) }';
    await serving(reports(), async (server) => {
      for (let round = 0; round < 3; round++) {
        expect((await server.query(query, ['read:reports'], { variables: { v: true } })).status).toBe(200);
        expect((await server.query(query, ['read:other'], { variables: { v: true } })).status).toBe(403);
        expect((await server.query(query, ['read:other'], { variables: { v: false } })).status).toBe(200);
        expect((await server.query(query, null, { variables: { v: true } })).status).toBe(401);
        expect((await server.query(query, null, { variables: { v: false } })).status).toBe(200);
      }
      expect(ran.filter((name) => name === 'Query.report')).toHaveLength(3);
    });
  });

  it('B31 a context without a principal: 503, and nothing runs', async () => {
    for (const context of [{}, { principal: null }, { principal: {} }, { principal: { kind: 'key' } }]) {
      await serving(
        reports(),
        async (server) => {
          const answer = await server.query('{ report }', null);
          expect(answer.status).toBe(503);
          expect(answer.body.errors).toEqual([
            expect.objectContaining({ extensions: { code: 'UNAVAILABLE', retryAfter: 5 } }),
          ]);
          expect(ran).toEqual([]);
        },
        { context: async () => context as unknown as LatchkeyContext },
      );
    }
  });

  it('B31 a guard that throws: 503 with Retry-After, and nothing runs', async () => {
    const scopes = Object.assign([], {
      includes: () => {
        throw new Error('what the guard reads is broken');
      },
    });
    const principal = { ...keyWith([]), scopes } as Principal;
    await serving(
      reports(),
      async (server) => {
        const answer = await server.query('{ report }', null);
        expect(answer.status).toBe(503);
        expect(answer.headers.get('retry-after')).toBe('1');
        expect(answer.body.errors[0].extensions).toMatchObject({ code: 'UNAVAILABLE', retryAfter: 1 });
        expect(answer.text).not.toContain('broken');
        expect(ran).toEqual([]);
      },
      { context: async () => ({ principal }) },
    );
  });

  it('B31 the store is unavailable: 503 for every key, right or wrong; public fields still respond', async () => {
    const service = await startService();
    try {
      const key = await createKey(service);
      expect((await service.query(ASSETS, { token: key.token })).status).toBe(200);
      await service.service.store.close();
      for (const token of [key.token, service.adminToken]) {
        const answer = await service.query(ASSETS, { token });
        expect(answer.status).toBe(503);
        expect(answer.body).toEqual({
          errors: [expect.objectContaining({ extensions: { code: 'UNAVAILABLE', retryAfter: 1 } })],
        });
        expect(answer.headers.get('retry-after')).toBe('1');
      }
      expect((await service.query('{ tiers { tier } }', { token: null })).status).toBe(200);
    } finally {
      await service.close();
    }
  });

  it('B32 a response cache behind the guard returns nothing to a refused caller', async () => {
    const cached = new Map<string, GraphQLResponse['body']>();
    let hits = 0;
    const careless: ApolloServerPlugin<LatchkeyContext> = {
      requestDidStart: async () => ({
        async responseForOperation({ request, response }) {
          const body = cached.get(request.query ?? '');
          if (body === undefined) return null;
          hits += 1;
          return { http: response.http, body };
        },
        async willSendResponse({ request, response }) {
          if (response.body.kind === 'single' && response.body.singleResult.errors === undefined) {
            cached.set(request.query ?? '', response.body);
          }
        },
      }),
    };
    await serving(
      reports(),
      async (server) => {
        expect((await server.query('{ report }', ['read:reports'])).body.data).toEqual({ report: 'confidential' });
        for (const [scopes, status] of [
          [['read:other'], 403],
          [null, 401],
        ] as const) {
          const answer = await server.query('{ report }', scopes);
          expect(answer.status).toBe(status);
          expect(answer.text).not.toContain('confidential');
        }
        expect(hits).toBe(0);
        expect((await server.query('{ report }', ['read:reports'])).body.data).toEqual({ report: 'confidential' });
        expect(hits).toBe(1);
        expect(ran).toEqual(['Query.report']);
      },
      { plugins: [careless] },
    );
  });

  it('B32 responses to a key are private for shared caches, whatever the cache hints of the schema', async () => {
    const schema = guardSchema(
      ownSchema(
        `enum CacheControlScope { PUBLIC PRIVATE }
         directive @cacheControl(maxAge: Int, scope: CacheControlScope) on FIELD_DEFINITION
         type Query {
           report: String @auth(scope: "read:reports") @cacheControl(maxAge: 60)
           open: String @public @cacheControl(maxAge: 60)
         }`,
        { Query: noting(ran, 'Query', { report: 'confidential', open: 'yes' }) },
      ),
    );
    await serving(schema, async (server) => {
      const answer = await server.query('{ report }', ['read:reports']);
      expect(answer.body.data).toEqual({ report: 'confidential' });
      expect(answer.headers.get('cache-control')).toBe('private, no-store');
      expect((await server.query('{ open }', ['read:reports'])).headers.get('cache-control')).toBe('private, no-store');
      expect((await server.query('{ open }', null)).headers.get('cache-control')).toBe('max-age=60, public');
      expect((await server.query('{ report }', null)).headers.get('cache-control')).toBe('no-store');
    });
  });
});
