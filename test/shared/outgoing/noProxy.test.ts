import fc from 'fast-check';
import { NoProxy } from '../../../src/shared/outgoing/noProxy.js';
import { CODE_POINT } from '../../support/codePoint.js';

const has = (text: string, url: string) => new NoProxy(text).has(new URL(url));

test.each<[string, string, boolean]>([
  ['', 'https://api.example.com', false],
  ['*', 'https://api.example.com', true],
  ['other.test,*', 'https://api.example.com', true],
  ['example.com', 'https://example.com', true],
  ['example.com', 'https://api.example.com', true],
  ['example.com', 'https://notexample.com', false],
  ['example.com', 'https://example.com.evil.test', false],
  ['.example.com', 'https://api.example.com', true],
  ['.example.com', 'https://example.com', true],
  ['*.example.com', 'https://a.b.example.com', true],
  ['*.example.com', 'https://example.org', false],
  ['EXAMPLE.com', 'https://Example.COM', true],
  ['example.com.', 'https://example.com', true],
  ['example.com', 'https://example.com.', true],
  ['münchen.example', 'https://xn--mnchen-3ya.example', true],
  ['example.com:8443', 'https://example.com:8443', true],
  ['example.com:8443', 'https://example.com', false],
  ['example.com:443', 'https://example.com', true],
  ['example.com:443', 'http://example.com', false],
  ['example.com:80', 'http://api.example.com', true],
  [' a.test  b.test,c.test ', 'https://b.test', true],
  ['a.test,b.test', 'https://c.test', false],
  ['10.0.0.1', 'http://10.0.0.1', true],
  ['10.0.0.1', 'http://110.0.0.1', false],
  ['0.0.1', 'http://10.0.0.1', false],
  ['10.0.0.0/8', 'http://10.200.3.4:8080', true],
  ['10.0.0.0/8', 'http://11.0.0.1', false],
  ['10.0.0.0/8', 'http://10.example.com', false],
  ['10.0.0.0/40', 'http://10.0.0.1', false],
  ['2001:db8::1', 'http://[2001:db8::1]', true],
  ['[2001:db8::1]:8080', 'http://[2001:db8::1]:8080', true],
  ['[2001:db8::1]:8080', 'http://[2001:db8::1]', false],
  ['2001:db8::/32', 'http://[2001:db8:5::9]', true],
  // Invalid entries match nothing, and don't affect other entries.
  ['http://example.com', 'http://example.com', false],
  ['<local>,169.254/16,:80,example.com', 'https://example.com', true],
  // This machine, whatever the value of NO_PROXY.
  ['', 'http://localhost:4000', true],
  ['', 'http://app.localhost', true],
  ['', 'http://127.9.9.9', true],
  ['', 'http://[::1]:4000', true],
  ['', 'http://[::ffff:127.0.0.1]', true],
  ['', 'http://localhost.example.com', false],
  ['', 'http://128.0.0.1', false],
])('NO_PROXY=%j, %s: %j', (text, url, expected) => expect(has(text, url)).toBe(expected));

test('accepts any text, and uses the proxy for hosts that no entry matches', () => {
  fc.assert(
    fc.property(fc.string({ unit: CODE_POINT }), (text) => {
      fc.pre(!text.includes('*'));
      expect(has(text, 'https://a-name-of-its-own.example')).toBe(false);
    }),
    { seed: 20_261_129 },
  );
});

test('a domain matches its subdomains at any depth, and no other domain', () => {
  const label = fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/);
  fc.assert(
    fc.property(fc.array(label, { minLength: 1, maxLength: 4 }), label, label, (labels, sub, other) => {
      const domain = `${labels.join('.')}.test`;
      expect(has(domain, `https://${sub}.${domain}`)).toBe(true);
      expect(has(domain, `https://${other}${domain}`)).toBe(false);
      expect(has(domain, `https://${domain}.${other}`)).toBe(false);
    }),
    { seed: 20_261_129 },
  );
});
