import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Latchkey } from '../../index.js';
import { allowed, refused, remaining } from '../expect.js';
import type { ConformanceCase } from '../conformanceOptions.js';
import type { Suite } from '../suite.js';
import type { World } from '../world.js';

const ANY = '{ any }';
const DATA = { any: 'anybody' };
type Fields = readonly (readonly [string, string])[];

/** Forms in which a key may be sent. */
const ACCEPTED: readonly (readonly [string, (token: string) => Fields])[] = [
  ['Authorization: Bearer', (token) => [['authorization', `Bearer ${token}`]]],
  ['authorization: bearer, in lower case', (token) => [['authorization', `bearer ${token}`]]],
  ['Authorization: Api-Key', (token) => [['authorization', `Api-Key ${token}`]]],
  ['X-API-Key', (token) => [['x-api-key', token]]],
  [
    'X-API-Key together with the login of a proxy',
    (token) => [
      ['x-api-key', token],
      ['authorization', 'Basic dTpw'],
    ],
  ],
  [
    'the same key in both',
    (token) => [
      ['x-api-key', token],
      ['authorization', `Bearer ${token}`],
    ],
  ],
  [
    'an empty X-API-Key together with Authorization',
    (token) => [
      ['x-api-key', ''],
      ['authorization', `Bearer ${token}`],
    ],
  ],
];

/** Forms that are refused with 400. */
const MALFORMED: readonly (readonly [string, (token: string, other: string) => Fields])[] = [
  [
    'two keys',
    (token, other) => [
      ['x-api-key', other],
      ['authorization', `Bearer ${token}`],
    ],
  ],
  ['an unknown scheme', (token) => [['authorization', `Token ${token}`]]],
  ['a key without a scheme', (token) => [['authorization', token]]],
  ['the login of a proxy without a key', () => [['authorization', 'Basic dTpw']]],
];

/** Cases about credentials: how they are sent, and what a wrong one causes. */
export function credentialCases<L extends Latchkey>(suite: Suite<L>): readonly ConformanceCase[] {
  return [
    ...ACCEPTED.map(([name, headers]) =>
      suite.case(`accepts a key as ${name}`, async (world) => {
        const { token } = await world.key();
        const answer = await world.ask(ANY, { headers: headers(token) });
        allowed(answer, DATA);
        assert.match(answer.headers.get('ratelimit-policy') ?? '', /^"burst";q=\d+;w=1, "rate";q=\d+;w=60/);
        assert.equal(remaining(answer), 9_999);
      }),
    ),
    ...MALFORMED.map(([name, headers]) =>
      suite.case(`refuses ${name} with 400, even for public fields`, async (world) => {
        const [{ token }, other] = [await world.key(), await world.key()];
        for (const query of [ANY, '{ open }']) {
          const answer = await world.ask(query, { headers: headers(token, other.token) });
          const { message } = refused(world, answer, { status: 400, code: 'BAD_REQUEST' });
          assert.match(message, /Send one key, as "Authorization: Bearer <key>"/);
          challenged(answer, /^Bearer realm="latchkey", error="invalid_request", error_description="[^"\\]+"$/);
        }
      }),
    ),
    suite.case('refuses two different Authorization fields', async (world) => {
      const [first, second] = [await world.key(), await world.key()];
      const twice: Fields = [
        ['authorization', `Bearer ${first.token}`],
        ['authorization', `Bearer ${second.token}`],
      ];
      for (const headers of [twice, [...twice].reverse()]) {
        const answer = await world.ask(ANY, { headers });
        assert.deepEqual(world.ran, []);
        if (world.lacks('JOINED_HEADERS')) assert.ok([400, 401].includes(answer.status), answer.text);
        else refused(world, answer, { status: 400, code: 'BAD_REQUEST' });
      }
    }),
    suite.case('no key: 401 with a challenge without an error code', async (world) => {
      for (const headers of [[], [['authorization', '']], [['x-api-key', ' ']]] as Fields[]) {
        const answer = await world.ask(ANY, { headers });
        const { message } = refused(world, answer, {
          status: 401,
          code: 'UNAUTHENTICATED',
          details: { reason: 'missing' },
        });
        assert.match(message, /Authorization: Bearer/);
        challenged(answer, /^Bearer realm="latchkey"$/);
      }
      allowed(await world.ask('{ open }'), { open: 'yes' });
    }),
    suite.case('a malformed key: 401 invalid_token, even for public fields', async (world) => {
      const { token } = await world.key();
      for (const wrong of [`${token}x`, token.slice(0, -1), 'nonsense']) await invalid(world, wrong, 'malformed');
    }),
    suite.case('an unknown key: 401 invalid_token, even for public fields', async (world) => {
      const { token } = await world.key();
      await invalid(world, withOtherSecret(token), 'unknown');
    }),
    suite.case('a revoked key: 401 invalid_token, even for public fields', async (world) => {
      const { id, token } = await world.key();
      await world.revoke(id);
      await invalid(world, token, 'revoked');
    }),
    suite.case('an expired key: 401 invalid_token, even for public fields', async (world) => {
      const { token } = await world.key(['read:users'], { expiresAt: new Date(world.now + 1_000).toISOString() });
      allowed(await world.ask(ANY, { token }), DATA);
      world.ran.length = 0;
      world.pass(1_001);
      await invalid(world, token, 'expired');
    }),
    suite.case('a key without the scope: 403 insufficient_scope with all missing scopes', async (world) => {
      const { token } = await world.key(['read:users']);
      const answer = await world.ask('{ report { id } board { salary } }', { token });
      const { message, extensions } = refused(world, answer, { status: 403, code: 'FORBIDDEN' });
      assert.deepEqual([...((extensions?.missing ?? []) as string[])].sort(), ['read:reports', 'read:salaries']);
      assert.match(message, /read:reports/);
      challenged(
        answer,
        /^Bearer realm="latchkey", error="insufficient_scope", error_description="[^"\\]+", scope="[^"]+"$/,
      );
      assert.equal(remaining(answer), 9_999);
    }),
    suite.case('a key that is bound to documents: 403 for any other', async (world) => {
      const { token } = await world.key(['read:users'], { trustedDocuments: ['0'.repeat(64)] });
      refused(world, await world.ask(ANY, { token }), { status: 403, code: 'DOCUMENT_NOT_TRUSTED' });
      refused(world, await world.ask('{ open }', { token }), { status: 403, code: 'DOCUMENT_NOT_TRUSTED' });
    }),
    suite.case('a key that is bound to addresses: 403 from any other', async (world) => {
      const { token } = await world.key(['read:users'], { allowedAddresses: ['192.0.2.1'] });
      refused(world, await world.ask(ANY, { token }), { status: 403, code: 'ADDRESS_NOT_ALLOWED' });
      const local = await world.key(['read:users'], { allowedAddresses: ['127.0.0.0/8', '::1'] });
      const answer = await world.ask(ANY, { token: local.token });
      if (world.lacks('NO_ADDRESS')) refused(world, answer, { status: 403, code: 'ADDRESS_NOT_ALLOWED' });
      else allowed(answer, DATA);
    }),
    suite.case(
      'B43 wrong secrets of a key: 20 are checked in a minute, the rest gets 429, and the key keeps working',
      async (world) => {
        const { token } = await world.key();
        const wrong = Array.from({ length: 30 }, () => withOtherSecret(token));
        const answers = await Promise.all(wrong.map((each) => world.ask(ANY, { token: each })));
        assert.deepEqual(world.ran, []);
        assert.deepEqual(answers.map(({ status }) => status).sort(), [
          ...Array<number>(20).fill(401),
          ...Array<number>(10).fill(429),
        ]);
        for (const { status, headers } of answers)
          if (status === 429) assert.match(headers.get('retry-after') ?? '', /^\d+$/);
        allowed(await world.ask(ANY, { token }), DATA);
      },
    ),
  ];
}

type Reason = 'malformed' | 'unknown' | 'revoked' | 'expired';

/** Asserts that an invalid key is refused with 401, even if the operation needs no key. */
async function invalid(world: World, token: string, reason: Reason): Promise<void> {
  for (const query of [ANY, '{ open }']) {
    const answer = await world.ask(query, { headers: [['authorization', `Bearer ${token}`]] });
    refused(world, answer, { status: 401, code: 'UNAUTHENTICATED', details: { reason } });
    challenged(answer, /^Bearer realm="latchkey", error="invalid_token", error_description="[^"\\]+"$/);
    assert.ok(!answer.text.includes(token), 'the key is not repeated');
  }
}

function challenged({ headers, text }: { headers: ReadonlyMap<string, string>; text: string }, form: RegExp): void {
  assert.match(headers.get('www-authenticate') ?? '', form, text);
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const CHECKED = 32;
const CHECKSUM = 6;

/** Returns the token of the same key with another secret and a valid checksum. */
function withOtherSecret(token: string): string {
  const secret = Array.from(randomBytes(CHECKED), (byte) => DIGITS.charAt(byte % DIGITS.length)).join('');
  const unchecked = token.slice(0, -(CHECKED + CHECKSUM)) + secret;
  let rest = crc32(unchecked);
  let checksum = '';
  while (checksum.length < CHECKSUM) {
    checksum = DIGITS.charAt(rest % DIGITS.length) + checksum;
    rest = Math.floor(rest / DIGITS.length);
  }
  return unchecked + checksum;
}
