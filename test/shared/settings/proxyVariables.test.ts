import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { SettingsError } from '../../../src/shared/settings/error.js';
import { readProxies } from '../../../src/shared/settings/proxyVariables.js';
import { readSettings } from '../../../src/server/settings/settings.js';
import { PROJECT } from '../../support/project.js';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

test.each<[Record<string, string>, unknown]>([
  [{}, null],
  [{ HTTP_PROXY: '', https_proxy: ' ' }, null],
  [{ NO_PROXY: '*' }, null],
  [
    { HTTPS_PROXY: 'http://proxy.test:3128' },
    { http: null, https: { variable: 'HTTPS_PROXY', url: 'http://proxy.test:3128', authorization: null }, noProxy: '' },
  ],
  [
    { HTTP_PROXY: 'proxy.test:3128/', NO_PROXY: 'a.test' },
    {
      http: { variable: 'HTTP_PROXY', url: 'http://proxy.test:3128', authorization: null },
      https: null,
      noProxy: 'a.test',
    },
  ],
  [
    { HTTPS_PROXY: 'http://upper.test', https_proxy: 'https://lower.test:8443', NO_PROXY: 'upper', no_proxy: 'lower' },
    {
      http: null,
      https: { variable: 'https_proxy', url: 'https://lower.test:8443', authorization: null },
      noProxy: 'lower',
    },
  ],
  // An empty variable counts as unset.
  [
    { HTTPS_PROXY: 'http://upper.test', https_proxy: '' },
    { http: null, https: { variable: 'HTTPS_PROXY', url: 'http://upper.test', authorization: null }, noProxy: '' },
  ],
  [
    { https_proxy: 'http://us%20er:p%40ss%3Aw%C3%B6rd@proxy.test' },
    {
      http: null,
      https: { variable: 'https_proxy', url: 'http://proxy.test', authorization: basic('us er:p@ss:wörd') },
      noProxy: '',
    },
  ],
  [
    { https_proxy: 'http://token@proxy.test' },
    {
      http: null,
      https: { variable: 'https_proxy', url: 'http://proxy.test', authorization: basic('token:') },
      noProxy: '',
    },
  ],
  // httpoxy: the header field `Proxy` of a CGI request.
  [{ HTTP_PROXY: 'http://evil.test', REQUEST_METHOD: 'GET' }, null],
])('%j', (environment, proxies) => {
  expect(readProxies(environment)).toEqual(proxies);
  expect(readSettings(environment).proxies).toEqual(proxies);
});

const SECRET = 'hunter2secret';
test.each<[string, string]>([
  ['socks5://proxy.test:1080', 'has a scheme that is not supported'],
  [`ftp://u:${SECRET}@proxy.test`, 'has a scheme that is not supported'],
  [`http://u:${SECRET}@`, 'is not the URL of a proxy'],
  [`http://u:${SECRET}@proxy.test:99999`, 'is not the URL of a proxy'],
  [`http://u:${SECRET}@proxy.test/path`, 'has a path, a query or a fragment'],
  [`http://u:${SECRET}#x@proxy.test`, 'is not the URL of a proxy'],
  [`http://proxy.test?${SECRET}`, 'has a path, a query or a fragment'],
  [`http://u:${SECRET}%@proxy.test`, 'has a user name or password with a %'],
  [`u ${SECRET}`, 'is not the URL of a proxy'],
])('refuses the proxy %j with the name of the variable but without its value', (value, fault) => {
  for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy']) {
    const read = () => readProxies({ [name]: value });
    expect(read).toThrow(SettingsError);
    expect(read).toThrow(`${name} ${fault}`);
    expect(read).toThrow('Allowed: http:// (the default) or https://');
    expect(read).not.toThrow(SECRET);
  }
});

test('reads any text as a proxy, or throws a SettingsError without the text', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.webUrl(),
        fc.string().map((text) => `http://u:${text}@proxy.test`),
      ),
      (text) => {
        try {
          const proxies = readProxies({ HTTPS_PROXY: text });
          expect(proxies === null).toBe(text.trim() === '');
          if (proxies !== null) expect(proxies.https?.url).toMatch(/^https?:\/\/[^@/]+$/);
        } catch (error) {
          expect(error).toBeInstanceOf(SettingsError);
        }
      },
    ),
    { seed: 20_261_129 },
  );
});

test('N18: reads a proxy without a scheme as http://, as the reference says', () => {
  expect(readProxies({ HTTP_PROXY: '127.0.0.1:4790' })?.http?.url).toBe('http://127.0.0.1:4790');
  expect(readProxies({ HTTPS_PROXY: 'u:p@proxy.test' })?.https?.url).toBe('http://proxy.test');
  const reference = readFileSync(join(PROJECT, 'docs/reference/settings.md'), 'utf8');
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY']) {
    expect(reference).toMatch(new RegExp(`^\\| \`${name}\` .*http:// \\(the default\\) or https://`, 'm'));
  }
});
