import { parse } from 'yaml';
import { readSettings } from '../../src/server/settings/settings.js';
import { projectFile } from './files.js';

interface Composition {
  readonly services: Readonly<
    Record<
      'gateway' | 'api',
      {
        readonly environment?: Readonly<Record<string, string>>;
        readonly networks: readonly string[];
        readonly ports?: readonly string[];
      }
    >
  >;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
}

const { services, networks } = parse(projectFile('examples/gateway/compose.yaml')) as Composition;

test('only the gateway reaches the API', () => {
  expect(services.api.ports).toBeUndefined();
  expect(services.api.networks).toEqual(['inside']);
  expect(services.gateway.networks).toContain('inside');
  expect(networks.inside?.internal).toBe(true);
});

test('the settings are valid, and the server is a gateway', () => {
  const given = Object.entries(services.gateway.environment ?? {}).map(([name, text]) => [
    name,
    text.replace(/\$\{\w+:-([^}]*)\}/, '$1').replace(/\$\{(\w+):\?[^}]*\}/, 'a-secret-of-$1-with-32-characters'),
  ]);
  expect(readSettings(Object.fromEntries(given) as Record<string, string>).gateway).toMatchObject({
    upstream: 'http://api:8000/graphql',
    policy: '/etc/latchkey/policy.yaml',
    audience: 'orders-api',
  });
});
