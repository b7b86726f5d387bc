import { ANONYMOUS, type Principal } from '../../../src/core/auth/principal.js';
import { decide, isPrincipal, meets, principalIn } from '../../../src/core/guard/decide.js';
import { ANY_CREDENTIAL, requirementOf } from '../../../src/core/guard/requirement.js';
import type { Rule } from '../../../src/core/guard/rules.js';
import { keyWith } from '../../bypass/own.js';

const rule = (coordinate: string, ...anyOf: string[][]): Rule => ({ coordinate, requirement: requirementOf(anyOf) });
const any: Rule = { coordinate: 'Query.viewer', requirement: ANY_CREDENTIAL };

describe('decide', () => {
  it('returns null without rules, even for an anonymous caller', () => {
    expect(decide([], ANONYMOUS)).toBeNull();
  });

  it('returns 401 to an anonymous caller, without naming scopes', () => {
    for (const rules of [[any], [rule('Query.a', ['read:a'])]]) {
      expect(decide(rules, ANONYMOUS)?.details).toEqual({ code: 'UNAUTHENTICATED', reason: 'missing' });
    }
  });

  it('names every missing scope once, sorted, and every field', () => {
    const rules = [
      rule('Query.b', ['read:b', 'write:a']),
      any,
      rule('Query.a', ['read:a'], ['read:b']),
      rule('Query.c', ['read:c']),
    ];
    const refusal = decide(rules, keyWith(['read:c']));
    expect(refusal?.details).toEqual({
      code: 'FORBIDDEN',
      missing: ['read:a', 'read:b', 'write:a'],
      fields: [
        { coordinate: 'Query.b', requires: [['read:b', 'write:a']] },
        { coordinate: 'Query.a', requires: [['read:a'], ['read:b']] },
      ],
    });
    expect(refusal?.message).toBe(
      'This key lacks read:a and read:b and write:a, required by Query.b and 1 more. Use a key that has it, or ask an administrator to add it with updateApiKey.',
    );
    expect(decide(rules, keyWith(['read:all', 'write:a']))).toBeNull();
  });

  it("names the operator's key if the scope platform is missing, because administrators can't grant it", () => {
    expect(decide([rule('Query.limitOverrides', ['platform'])], keyWith(['admin']))?.message).toBe(
      "This key lacks platform, required by Query.limitOverrides. Use the operator's key, ADMIN_API_KEY, or another key with the scope platform.",
    );
  });

  it('names at most twenty fields, and all missing scopes', () => {
    const rules = Array.from({ length: 50 }, (_, i) => rule(`Query.f${i}`, [`read:r${i}`]));
    const details = decide(rules, keyWith([]))?.details;
    expect(details).toMatchObject({ code: 'FORBIDDEN' });
    if (details?.code !== 'FORBIDDEN') throw new Error('It is forbidden.');
    expect(details.fields).toHaveLength(20);
    expect(details.missing).toHaveLength(50);
  });
});

describe('meets', () => {
  it('agrees with decide', () => {
    for (const principal of [ANONYMOUS, keyWith([]), keyWith(['read:a']), keyWith(['admin'])]) {
      for (const one of [any, rule('Query.a', ['read:a']), rule('Query.p', ['platform'])]) {
        expect(meets(principal, one)).toBe(decide([one], principal) === null);
      }
    }
  });
});

describe('principalIn', () => {
  it('returns the principal of the context', () => {
    const principal = keyWith(['read:a']);
    expect(principalIn({ principal })).toBe(principal);
    expect(principalIn({ principal: ANONYMOUS })).toBe(ANONYMOUS);
  });

  it.each([
    [undefined],
    [null],
    [{}],
    ['principal'],
    [{ principal: null }],
    [{ principal: {} }],
    [{ principal: { kind: 'root', scopes: [] } }],
    [{ principal: { kind: 'key' } }],
    [{ principal: { kind: 'key', scopes: 'admin' } }],
  ])('throws 503 if %j has none', (context) => {
    expect(() => principalIn(context)).toThrow(
      expect.objectContaining({ details: { code: 'UNAVAILABLE', retryAfter: 5 } }),
    );
    expect(() => principalIn(context)).toThrow('pass latchkey.context as the context function');
    expect(isPrincipal((context as { principal?: Principal } | undefined | null)?.principal)).toBe(false);
  });
});
