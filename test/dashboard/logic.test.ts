import { refusalFault } from '../../src/dashboard/api/apiFault.js';
import { differences } from '../../src/dashboard/audit/differences.js';
import { coveredBy } from '../../src/dashboard/keys/scopeChoice.js';
import { EMPTY_KEY, faultsOf, inputOf } from '../../src/dashboard/keys/newKey.js';
import { lasting, relative, whole } from '../../src/dashboard/parts/relativeTime.js';
import { difference } from '../../src/dashboard/workspace/tierRows.js';

const NOW = Date.parse('2026-03-01T12:00:00Z');

it('maps errors by their codes', () => {
  expect(refusalFault('m', { code: 'RATE_LIMITED', retryAfter: 7 }, NOW)).toMatchObject({
    kind: 'limited',
    retryAfter: 7,
  });
  expect(refusalFault('m', { code: 'FORBIDDEN', missing: ['admin'] }, NOW)).toMatchObject({ missing: ['admin'] });
  expect(refusalFault('m', { code: 'UNAUTHENTICATED' }, NOW)).toEqual({ kind: 'signedOut', message: 'm' });
  expect(refusalFault('m', { code: 'BAD_USER_INPUT', path: ['input', 'scopes', 0] }, NOW)).toMatchObject({
    kind: 'refused',
    field: 'scopes',
  });
  // Unexpected types of these fields break nothing.
  expect(refusalFault('m', { code: 'FORBIDDEN', missing: 'admin' }, NOW)).toMatchObject({ missing: [] });
  expect(refusalFault('m', { code: 'UNAVAILABLE', retryAfter: '5' }, NOW)).toMatchObject({ retryAfter: 5 });
});

it('shows changed fields, and the added and removed items of lists', () => {
  expect(differences({ scopes: ['a', 'b'], name: 'x' }, { scopes: ['b', 'c'], name: 'x' })).toEqual([
    { field: 'scopes', before: 'a, b', after: 'b, c', items: { added: ['c'], removed: ['a'] } },
  ]);
  expect(differences(null, { name: 'x', expiresAt: null, allowedAddresses: [] })).toEqual([
    { field: 'name', before: null, after: 'x', items: null },
  ]);
  expect(differences({ revokedReason: 'r' }, {})).toMatchObject([
    { field: 'revoked reason', before: 'r', after: null },
  ]);
});

it('determines included scopes as the API does', () => {
  expect(coveredBy('read:assets', ['read:all'])).toBe('read:all');
  expect(coveredBy('read:assets', ['write:all'])).toBeNull();
  expect(coveredBy('write:assets', ['admin'])).toBe('admin');
  expect(coveredBy('platform', ['admin'])).toBeNull();
  expect(coveredBy('admin', ['admin'])).toBeNull();
});

it('validates a new key before it is sent, and leaves out empty fields', () => {
  expect(Object.keys(faultsOf(EMPTY_KEY, NOW))).toEqual(['name', 'scopes']);
  const key = { ...EMPTY_KEY, name: ' ci ', scopes: ['read:all'] };
  expect(faultsOf(key, NOW)).toEqual({});
  expect(inputOf({ ...key, expiry: 'never' }, NOW)).toEqual({
    name: 'ci',
    type: 'SECRET',
    environment: 'LIVE',
    scopes: ['read:all'],
  });
  expect(inputOf({ ...key, expiry: '7' }, NOW).expiresAt).toBe('2026-03-08T12:00:00.000Z');
  expect(faultsOf({ ...key, expiry: 'at' }, NOW)).toHaveProperty('expiresAt');
  expect(faultsOf({ ...key, expiry: 'at', expiresAt: '2020-01-01T00:00' }, NOW)).toHaveProperty('expiresAt');
});

it('formats nearby times relative to now', () => {
  const at = (ms: number) => relative(NOW + ms, NOW);
  expect([at(-5_000), at(5_000), at(-120_000), at(7_200_000), at(-86_400_000)]).toEqual([
    'just now',
    'in less than a minute',
    '2 minutes ago',
    'in 2 hours',
    '1 day ago',
  ]);
});

it('describes the difference between tiers', () => {
  expect([difference(500, 20), difference(20, 500), difference(null, 10), difference(5, 5)]).toEqual([
    '480 more',
    '480 fewer',
    'no limit',
    '',
  ]);
});

test('U2: audit details show dates, and a lifetime as a duration', () => {
  const [end, life] = [1_803_685_469_079, 7_775_999_959];
  expect(differences(null, { name: 'x', expiresAt: end, lifetime: life })).toMatchObject([
    { field: 'name', after: 'x' },
    { field: 'expires at', before: null, after: whole(end) },
    { field: 'lifetime', before: null, after: '90 days' },
  ]);
  expect(whole(end)).toContain('2027');
  expect(differences({ expiresAt: end }, { expiresAt: end - 86_400_000 })).toMatchObject([
    { before: whole(end), after: whole(end - 86_400_000) },
  ]);
  // Rejected requests have a start time, and values of the API have labels.
  expect(differences(null, { since: end, type: 'READ_ONLY', tier: 'FREE_TRIAL', userId: 'usr_1' })).toMatchObject([
    { after: whole(end) },
    { after: 'Read-only' },
    { after: 'Free Trial' },
    { field: 'user ID' },
  ]);
  // Other numbers are not dates.
  expect(differences(null, { count: 1_803_685_469_079 })).toMatchObject([{ after: '1803685469079' }]);
});

test('U2: durations are rounded to minutes, hours or days', () => {
  const MINUTE = 60_000;
  for (const [length, text] of [
    [1, '1 minute'],
    [59 * MINUTE, '59 minutes'],
    [24 * 60 * MINUTE, '24 hours'],
    [30 * 24 * 60 * MINUTE - 41, '30 days'],
  ] as const) {
    expect(lasting(length)).toBe(text);
  }
});

it('U4: audit details show names with their IDs, and the label does not say ID', () => {
  const names = new Map([
    ['key_2', 'airflow'],
    ['usr_1', 'Ada'],
  ]);
  expect(differences({ replacedBy: null }, { replacedBy: 'key_2', userId: 'usr_1', name: 'key_3' }, names)).toEqual([
    { field: 'replaced by', before: null, after: 'airflow', items: null, id: 'key_2' },
    { field: 'user', before: null, after: 'Ada', items: null, id: 'usr_1' },
    { field: 'name', before: null, after: 'key_3', items: null },
  ]);
  expect(differences(null, { since: 1, forbidden: 12, limited: 3 }).map(({ field }) => field)).toEqual([
    'since',
    'missing a scope',
    'over the rate limit',
  ]);
});
