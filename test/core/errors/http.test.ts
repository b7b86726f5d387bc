import { httpAnswer, withHttp } from '../../../src/core/errors/http.js';
import { Refusal, type RefusalDetails } from '../../../src/core/errors/refusal.js';

const answer = (details: RefusalDetails, message = 'What and why.') => {
  const { status, headers } = httpAnswer(new Refusal(message, details));
  return [status, Object.fromEntries(headers)];
};
const QUOTA = {
  ...{ limit: 10, used: 10, remaining: 0, resetsAt: '2027-01-01T00:00:00.000Z' },
  ...{ window: 'month', unit: 'requests', subject: 'key' },
} as const;
const BEARER = 'Bearer realm="latchkey"';

describe('httpAnswer', () => {
  it.each<[RefusalDetails, number, Record<string, string>]>([
    [
      { code: 'BAD_REQUEST' },
      400,
      { 'www-authenticate': `${BEARER}, error="invalid_request", error_description="What and why."` },
    ],
    [{ code: 'COST_EXCEEDS_BURST', cost: 30, burst: 25 }, 400, {}],
    // RFC 6750 section 3.1: without any credential no error code.
    [{ code: 'UNAUTHENTICATED', reason: 'missing' }, 401, { 'www-authenticate': BEARER }],
    ...(['malformed', 'unknown', 'revoked', 'expired'] as const).map(
      (reason): [RefusalDetails, number, Record<string, string>] => [
        { code: 'UNAUTHENTICATED', reason },
        401,
        { 'www-authenticate': `${BEARER}, error="invalid_token", error_description="What and why."` },
      ],
    ),
    [
      { code: 'FORBIDDEN', missing: ['read:a', 'write:b'], fields: [] },
      403,
      {
        'www-authenticate': `${BEARER}, error="insufficient_scope", error_description="What and why.", scope="read:a write:b"`,
      },
    ],
    [
      { code: 'FORBIDDEN', missing: [], fields: [] },
      403,
      { 'www-authenticate': `${BEARER}, error="insufficient_scope", error_description="What and why."` },
    ],
    [{ code: 'DOCUMENT_NOT_TRUSTED', sha256: '0'.repeat(64) }, 403, {}],
    [{ code: 'RATE_LIMITED', retryAfter: 12, limit: 500, window: 60 }, 429, { 'retry-after': '12' }],
    [{ code: 'QUOTA_EXCEEDED', ...QUOTA, retryAfter: 12 }, 429, { 'retry-after': '12' }],
    // Waiting is not the remedy.
    [{ code: 'QUOTA_EXCEEDED', ...QUOTA }, 402, {}],
    [{ code: 'UNAVAILABLE', retryAfter: 5 }, 503, { 'retry-after': '5' }],
    [{ code: 'KEY_LIMIT_REACHED', max: 10, current: 10 }, 200, {}],
    [{ code: 'NOT_FOUND' }, 200, {}],
    [{ code: 'BAD_USER_INPUT', path: ['input', 'name'] }, 200, {}],
    [{ code: 'SCOPE_NOT_HELD', missing: ['admin'] }, 200, {}],
  ])('%j: %s', (details, status, headers) => {
    expect(answer(details)).toEqual([status, headers]);
  });

  it.each([
    ['a "quoted" \\ word', "a 'quoted' ' word"],
    ['over\r\nX-Injected: yes', 'overX-Injected: yes'],
    ['naïve — \u{1f511} key\u0000\u007f', 'nave   key'],
  ])('a description of %j can end neither the quotation nor the line', (message, told) => {
    const [, headers] = answer({ code: 'BAD_REQUEST' }, message) as [number, Record<string, string>];
    expect(headers['www-authenticate']).toBe(`${BEARER}, error="invalid_request", error_description="${told}"`);
  });
});

// RFC 9728 section 5.1.
test.each<[RefusalDetails, boolean]>([
  [{ code: 'UNAUTHENTICATED', reason: 'missing' }, true],
  [{ code: 'UNAUTHENTICATED', reason: 'expired' }, true],
  [{ code: 'FORBIDDEN', missing: ['read:a'], fields: [] }, true],
  [{ code: 'ADDRESS_NOT_ALLOWED' }, false],
  [{ code: 'UNAVAILABLE', retryAfter: 5 }, false],
])('a challenge contains the address of the resource metadata, if there is one: %j', (details, isChallenged) => {
  const address = 'https://api.example/.well-known/oauth-protected-resource/graphql';
  const headerOf = (metadata: string | null) =>
    httpAnswer(new Refusal('No.', details), metadata).headers.get('www-authenticate');
  const plain = headerOf(null);
  expect(headerOf(address)).toBe(isChallenged ? `${plain}, resource_metadata="${address}"` : undefined);
});

describe('withHttp', () => {
  it('adds the HTTP status and headers for Apollo Server, and keeps the details', () => {
    const refusal = withHttp(new Refusal('Wait.', { code: 'RATE_LIMITED', retryAfter: 3, limit: 2, window: 1 }));
    expect(refusal.extensions).toEqual({
      code: 'RATE_LIMITED',
      retryAfter: 3,
      limit: 2,
      window: 1,
      http: { status: 429, headers: new Map([['retry-after', '3']]) },
    });
  });
});
