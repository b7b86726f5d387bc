import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { isToken, mintToken } from '../../src/core/keys/token.js';
import { createKey, startService, type TestService } from '../support/service.js';

let service: TestService;
beforeAll(async () => {
  service = await startService({
    env: { DEFAULT_TIER: 'ENTERPRISE', KEY_PEPPER: 'pepper-of-these-tests-32-characters' },
  });
});
afterAll(() => service.close());

describe('B43 wrong keys as amplification', () => {
  const WHO = '{ viewer { scopes } }';
  const comparisons = () => service.service.latchkey.bcrypt.counts.comparisons;
  const ask = async (tokens: readonly string[]) => {
    const answers = await Promise.all(tokens.map((token) => service.query(WHO, { token })));
    return answers.map(({ status }) => status).sort();
  };
  const wrongSecrets = (token: string, count: number) => Array.from({ length: count }, () => withOtherSecret(token));
  /** Like a key whose pepper was lost: only bcrypt can check it. */
  const withoutDigest = async () => {
    const key = await createKey(service);
    await service.service.store.keys.saveDigest(key.id, `00000000.${'A'.repeat(43)}`);
    return key;
  };

  it('B43 unknown keys: no comparison', async () => {
    const before = comparisons();
    const unknown = Array.from({ length: 100 }, () => mintToken('lks', 'LIVE').token);
    expect(await ask(unknown)).toEqual(unknown.map(() => 401));
    const [first = ''] = unknown;
    const malformed = [
      randomBytes(40).toString('base64'),
      first.slice(0, -1),
      `${first}x`,
      first.replace('lks', 'lkc'),
    ];
    expect(await ask(malformed)).toEqual(malformed.map(() => 401));
    expect(comparisons()).toBe(before);
  });

  it('B43 wrong secrets of a key with a stored digest: no comparison, and the right secret keeps working', async () => {
    const { token } = await createKey(service);
    const before = comparisons();
    expect(await ask(wrongSecrets(token, 50))).toEqual([
      ...Array<number>(20).fill(401),
      ...Array<number>(30).fill(429),
    ]);
    expect(await ask([token])).toEqual([200]);
    expect(comparisons()).toBe(before);
  });

  it('B43 wrong secrets of a key without a digest: five comparisons a minute', async () => {
    const { token } = await withoutDigest();
    const before = comparisons();
    expect(await ask(wrongSecrets(token, 50))).toEqual([...Array<number>(5).fill(401), ...Array<number>(45).fill(503)]);
    expect(comparisons()).toBe(before + 5);
  });

  it('B43 the same wrong secret repeatedly: one comparison', async () => {
    const { token } = await withoutDigest();
    const before = comparisons();
    const wrong = withOtherSecret(token);
    expect(await ask(Array<string>(19).fill(wrong))).toEqual(Array<number>(19).fill(401));
    expect(await ask([wrong])).toEqual([401]);
    expect(await ask([wrong])).toEqual([429]);
    expect(comparisons()).toBe(before + 1);
  });

  it('B43 once the right secret is known, others need no comparison', async () => {
    const { token } = await withoutDigest();
    const before = comparisons();
    expect(await ask([token])).toEqual([200]);
    expect(await ask([...wrongSecrets(token, 50), token])).toEqual([
      200,
      ...Array<number>(20).fill(401),
      ...Array<number>(30).fill(429),
    ]);
    expect(comparisons()).toBe(before + 1);
  });
});

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The same lookup ID, another secret and a valid checksum: only the stored hash shows that it is wrong. */
function withOtherSecret(token: string): string {
  const secret = Array.from(randomBytes(32), (byte) => DIGITS.charAt(byte % 62)).join('');
  const unchecked = token.slice(0, -38) + secret;
  let rest = crc32(unchecked);
  let checksum = '';
  while (checksum.length < 6) {
    checksum = DIGITS.charAt(rest % 62) + checksum;
    rest = Math.floor(rest / 62);
  }
  if (!isToken(unchecked + checksum)) throw new Error('The test builds tokens otherwise than src/core/keys/token.ts.');
  return unchecked + checksum;
}
