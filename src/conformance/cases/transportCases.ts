import assert from 'node:assert/strict';
import type { Latchkey } from '../../index.js';
import { allowed, nothingRan, refused, remaining } from '../expect.js';
import type { ConformanceCase } from '../conformanceOptions.js';
import type { Suite } from '../suite.js';
import type { World } from '../world.js';

const NO_OPERATION = [400, 404, 405];
const REFUSED_BODY = [400, 404, 405, 413, 415];
const PREFLIGHT = ['apollo-require-preflight', '1'] as const;

/** Content types that a page of another origin can send without a preflight request, and others that are not JSON. */
const TYPES = [
  'text/plain',
  'text/plain; charset=application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/graphql',
  null,
];

/** Cases about GET, other content types, batches and pages. */
export function transportCases<L extends Latchkey>(suite: Suite<L>): readonly ConformanceCase[] {
  return [
    suite.case('B34 GET has the same guard as POST', async (world) => {
      const [reader, stranger] = [await world.key(['read:reports']), await world.key(['read:users'])];
      const byGet = (token: string | null) => world.get('{ report { id } }', { token });
      if (world.lacks('NO_GET')) {
        for (const token of [null, reader.token]) nothingRan(world, await byGet(token), NO_OPERATION);
        return;
      }
      refused(world, await byGet(null), { status: 401, code: 'UNAUTHENTICATED', details: { reason: 'missing' } });
      refused(world, await byGet('nonsense'), {
        status: 401,
        code: 'UNAUTHENTICATED',
        details: { reason: 'malformed' },
      });
      refused(world, await byGet(stranger.token), { status: 403, code: 'FORBIDDEN' });
      allowed(await byGet(reader.token), { report: { id: 'r1' } });
    }),
    suite.case('B34 GET and POST share the limits of a key', async (world) => {
      const { token } = await world.key();
      const first = remaining(await world.ask('{ any }', { token }));
      if (world.lacks('NO_GET')) {
        world.ran.length = 0;
        nothingRan(world, await world.get('{ any }', { token }), NO_OPERATION);
        return;
      }
      assert.equal(remaining(await world.get('{ any }', { token })), first - 1);
      assert.equal(remaining(await world.ask('{ any }', { token })), first - 2);
    }),
    suite.case('B35 a mutation by GET does not run', async (world) => {
      const { token } = await world.key(['write:reports']);
      const both = 'query Q { open } mutation M { drop }';
      nothingRan(world, await world.get('mutation { drop }', { token }), NO_OPERATION);
      nothingRan(world, await world.get('mutation { touch }'), NO_OPERATION);
      nothingRan(world, await world.get(both, { token, operationName: 'M' }), NO_OPERATION);
      nothingRan(world, await world.get(both, { token }), NO_OPERATION);
    }),
    ...TYPES.map((type) =>
      suite.case(`B35 a mutation by POST as ${type ?? 'no content type'} does not run`, async (world) => {
        const { token } = await world.key(['write:reports']);
        const query = 'mutation { touch drop }';
        const fields = type === null ? [] : [['content-type', type] as const];
        for (const body of [JSON.stringify({ query }), `query=${encodeURIComponent(query)}`, query]) {
          const headers = [...fields, ['authorization', `Bearer ${token}`] as const];
          nothingRan(world, await world.send({ method: 'POST', headers, body }), REFUSED_BODY);
          nothingRan(world, await world.send({ method: 'POST', headers: fields, body }), REFUSED_BODY);
        }
      }),
    ),
    suite.case('B35 a mutation in the query string of a POST does not run', async (world) => {
      const { token } = await world.key(['write:reports']);
      const address = new URL(world.url);
      address.searchParams.set('query', 'mutation { drop }');
      const headers = [['authorization', `Bearer ${token}`]] as const;
      for (const more of [[], [['content-type', 'application/json']]] as const) {
        const sent = { method: 'POST', headers: [...headers, ...more], body: more.length === 0 ? '' : '{}' };
        nothingRan(world, await world.send(sent, address.href), REFUSED_BODY);
      }
    }),
    suite.case('B35 a GET that needs no preflight request', (world) => simpleGets(world)),
    suite.case('B36 a page of the server contains no key', async (world) => {
      const { token } = await world.key(['write:reports']);
      const address = new URL(world.url);
      address.searchParams.set('token', token);
      for (const url of [world.url, address.href]) {
        const headers = [
          ['accept', 'text/html'],
          ['authorization', `Bearer ${token}`],
          ['cookie', `key=${token}`],
        ] as const;
        const { text } = await world.send({ headers }, url);
        assert.ok(!text.includes(token), text);
      }
    }),
    suite.case('B38 a batch is refused entirely, and counts as one request', async (world) => {
      const { token } = await world.key();
      const one = { query: '{ any }' };
      const before = remaining(await world.ask('{ any }', { token }));
      world.ran.length = 0;
      const batches = [[one], [one, one], Array.from({ length: 100 }, () => one)];
      for (const batch of batches) {
        const answer = await world.post(JSON.stringify(batch), [['authorization', `Bearer ${token}`]]);
        nothingRan(world, answer, [400]);
      }
      const after = remaining(await world.ask('{ any }', { token }));
      assert.equal(after, before - 1 - (world.lacks('UNCOUNTED_REQUESTS') ? 0 : batches.length));
    }),
  ];
}

/** Asserts what a page of another origin gets by GET. */
async function simpleGets(world: World): Promise<void> {
  const open = new URL(world.url);
  open.searchParams.set('query', '{ open }');
  const guarded = new URL(world.url);
  guarded.searchParams.set('query', '{ report { id } }');
  for (const type of [
    [],
    [['content-type', 'text/plain']],
    [['content-type', 'application/x-www-form-urlencoded']],
  ] as const) {
    const headers = [['accept', '*/*'], ...type] as const;
    nothingRan(world, await world.send({ headers }, guarded.href), [400, 401, 404, 405, 415]);
    nothingRan(world, await world.send({ headers }, open.href), [400, 403, 404, 405, 415]);
  }
  if (world.lacks('NO_GET')) return;
  allowed(await world.send({ headers: [PREFLIGHT, ['accept', 'application/json']] }, open.href), { open: 'yes' });
}
