import { request } from 'node:http';
import { graphql, parse, subscribe } from 'graphql';
import { guardSchema } from '../../src/core/guard/guard.js';
import { answerOf, createKey, startService, type Answer, type TestService } from '../support/service.js';
import { keyWith, ownSchema, type Ran } from './own.js';

const CREATE = 'mutation { createApiKey(input: { name: "by the back door", scopes: ["read:assets"] }) { token } }';

let service: TestService;
beforeAll(async () => {
  service = await startService({ env: { INTROSPECTION: 'authenticated', DEFAULT_TIER: 'ENTERPRISE' } });
});
afterAll(() => service.close());

const bearer = (token = service.adminToken) => ({ authorization: `Bearer ${token}` });

const get = async (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  answerOf(await fetch(`${service.origin}${path}`, { headers, redirect: 'manual' }));

const graphqlByGet = (query: string, headers: Record<string, string>) =>
  get(`/graphql?query=${encodeURIComponent(query)}`, headers);

const keyCount = async (): Promise<number> => {
  const { body } = await service.query('{ apiKeys { totalCount } }');
  return body.data.apiKeys.totalCount;
};

const remaining = (answer: Answer): number => Number(/r=(\d+)/.exec(answer.headers.get('ratelimit') ?? '')?.[1]);

describe('transports', () => {
  it('B33 subscription: the source stream is not opened for callers that the field refuses', async () => {
    const ran: Ran = [];
    const schema = guardSchema(
      ownSchema(
        `type Query { open: Int @public }
         type Subscription { reports: Report @auth guardedByField: Int @auth(scope: "read:reports") ticks: Int @public }
         type Report @auth(scope: "read:reports") { id: ID }`,
        {
          Subscription: Object.fromEntries(
            (
              [
                ['reports', { id: 'r1' }],
                ['guardedByField', 1],
                ['ticks', 2],
              ] as const
            ).map(([field, event]) => [
              field,
              {
                subscribe: async function* () {
                  ran.push(field);
                  yield { [field]: event };
                },
              },
            ]),
          ),
        },
      ),
    );
    const open = (query: string, scopes: string[]) =>
      subscribe({ schema, document: parse(`subscription { ${query} }`), contextValue: { principal: keyWith(scopes) } });
    for (const query of ['reports { id }', 'reports { __typename }', 'alias: guardedByField']) {
      expect(await open(query, ['read:other'])).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
    }
    const context = { schema, document: parse('subscription { guardedByField }'), contextValue: {} };
    expect(await subscribe(context)).toMatchObject({ errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
    expect(ran).toEqual([]);

    for (const [query, scopes, data] of [
      ['reports { id }', ['read:reports'], { reports: { id: 'r1' } }],
      ['guardedByField', ['read:reports'], { guardedByField: 1 }],
      ['ticks', ['read:other'], { ticks: 2 }],
    ] as const) {
      const stream = await open(query, [...scopes]);
      if (!(Symbol.asyncIterator in stream)) throw new Error(JSON.stringify(stream));
      expect((await stream.next()).value).toEqual({ data });
      await stream.return();
    }
    expect(ran).toEqual(['reports', 'guardedByField', 'ticks']);
    expect(await graphql({ schema, source: '{ open }' })).toEqual({ data: { open: null } });
  });

  describe('B34 every transport has the checks and the limits', () => {
    it('B34 GET /graphql?query=: guarded like POST', async () => {
      const key = await createKey(service, { scopes: ['write:assets'] });
      const anonymous = await graphqlByGet('{ assets { name } }', { 'apollo-require-preflight': '1' });
      expect(anonymous.status).toBe(401);
      expect(anonymous.headers.get('www-authenticate')).toBe('Bearer realm="latchkey"');
      expect((await graphqlByGet('{ assets { name } }', bearer(key.token))).status).toBe(403);
      expect((await graphqlByGet('{ assets { name } }', bearer())).body).toEqual({ data: { assets: [] } });
      expect((await graphqlByGet('{ viewer { scopes } }', bearer('lks_live_nonsense'))).status).toBe(401);
    });

    it('B34 GET /graphql?query= and GET /schema.graphql: limited with POST, from one window', async () => {
      const { token } = await createKey(service);
      const post = await service.query('{ viewer { scopes } }', { token });
      const byGet = await graphqlByGet('{ viewer { scopes } }', bearer(token));
      const schema = await get('/schema.graphql', bearer(token));
      const head = await answerOf(
        await fetch(`${service.origin}/schema.graphql`, { method: 'HEAD', headers: bearer(token) }),
      );
      expect([byGet.status, schema.status, head.status]).toEqual([200, 200, 200]);
      const first = remaining(post);
      expect([byGet, schema, head].map(remaining)).toEqual([first - 1, first - 2, first - 3]);

      const trial = await startService({ env: { DEFAULT_TIER: 'FREE_TRIAL' } });
      try {
        const admin = { authorization: `Bearer ${trial.adminToken}` };
        const paths = ['/schema.graphql', '/graphql?query={viewer{scopes}}'];
        const answers = await Promise.all(
          Array.from({ length: 8 }, async (_, i) => {
            const path = paths[i % 2] ?? '';
            return `${path} ${(await fetch(trial.origin + path, { headers: admin })).status}`;
          }),
        );
        for (const path of paths) expect(answers).toContain(`${path} 429`);
        expect(answers.filter((answer) => answer.endsWith('200'))).toHaveLength(2);
      } finally {
        await trial.close();
      }
    });

    it('B34 GET /schema.graphql: for callers with introspection', async () => {
      expect((await get('/schema.graphql')).status).toBe(401);
      expect((await get('/schema.graphql', bearer('lks_live_nonsense'))).status).toBe(401);
      const allowed = await get('/schema.graphql', bearer());
      expect(allowed.status).toBe(200);
      expect(allowed.text).toContain('@auth(scope: "read:assets")');
      expect(allowed.headers.get('cache-control')).toBe('private, no-store');
    });
  });

  describe('B35 a mutation in a request that a page of another origin can send', () => {
    const refusedToMutate = async (send: () => Promise<Answer>, statuses: number[]) => {
      const before = await keyCount();
      const answer = await send();
      expect(statuses).toContain(answer.status);
      expect(answer.text).not.toContain('_live_');
      expect(await keyCount()).toBe(before);
    };
    const post = async (type: string | null, body: string) => {
      const answer = await fetch(service.url, {
        method: 'POST',
        headers: { ...bearer(), ...(type !== null && { 'content-type': type }) },
        body: Buffer.from(body),
      });
      return answerOf(answer);
    };

    it('B35 by GET', async () => {
      await refusedToMutate(() => graphqlByGet(CREATE, bearer()), [405]);
      await refusedToMutate(
        () => graphqlByGet(`query Q { viewer { scopes } } ${CREATE.replace('mutation', 'mutation M')}`, bearer()),
        [400],
      );
      await refusedToMutate(
        () =>
          get(
            `/graphql?operationName=M&query=${encodeURIComponent(CREATE.replace('mutation', 'mutation M'))}`,
            bearer(),
          ),
        [405],
      );
      const before = await keyCount();
      const allowed = await service.query(CREATE);
      expect(allowed.status).toBe(200);
      expect(await keyCount()).toBe(before + 1);
    });

    it.each([
      ['text/plain'],
      ['text/plain; charset=application/json'],
      ['application/x-www-form-urlencoded'],
      ['multipart/form-data; boundary=x'],
      ['application/graphql'],
      [null],
    ])('B35 by POST as %s', async (type) => {
      for (const body of [JSON.stringify({ query: CREATE }), `query=${encodeURIComponent(CREATE)}`, CREATE]) {
        await refusedToMutate(() => post(type, body), [400, 415]);
      }
    });

    it('B35 by the query string of a POST', async () => {
      await refusedToMutate(
        async () =>
          answerOf(
            await fetch(`${service.url}?query=${encodeURIComponent(CREATE)}`, { method: 'POST', headers: bearer() }),
          ),
        [400, 415],
      );
    });

    it('B35 a GET that needs no preflight is refused whatever content type it claims', async () => {
      for (const headers of [
        {},
        { 'content-type': 'text/plain' },
        { 'content-type': 'application/x-www-form-urlencoded' },
      ]) {
        const answer = await bare('/graphql?query={tiers{tier}}', headers);
        expect(answer).toMatchObject({ status: 400 });
        expect(answer.text).toContain('CSRF');
      }
      expect((await graphqlByGet('{ tiers { tier } }', { 'apollo-require-preflight': '1' })).status).toBe(200);
    });
  });

  it('B36 GraphiQL: the page contains no key, whoever requests it', async () => {
    const page = async (path: string, headers: Record<string, string> = {}) => {
      const answer = await fetch(`${service.origin}${path}`, { headers: { accept: 'text/html', ...headers } });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toContain('text/html');
      return { text: await answer.text(), cookies: answer.headers.get('set-cookie') };
    };
    const plain = await page('/graphql');
    const { adminToken } = service;
    expect(await page('/graphql', bearer())).toEqual(plain);
    expect(await page('/graphql', { 'x-api-key': adminToken, cookie: `key=${adminToken}` })).toEqual(plain);
    expect(await page(`/graphql?key=${adminToken}&token=${adminToken}`)).toEqual(plain);
    expect(plain.cookies).toBeNull();
    expect(plain.text).not.toContain(adminToken);
    expect(plain.text).not.toMatch(/lk[scr]_(?:live|test)_[0-9A-Za-z]{16}/);
  });
});

/** A GET without the header fields that fetch adds automatically. */
function bare(path: string, headers: Record<string, string>): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${service.origin}${path}`, { headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode, text: Buffer.concat(chunks).toString() }));
    });
    sent.on('error', reject);
    sent.end();
  });
}
