import { checkNames } from '../../../shared/optionChecks.js';
import { oidcConfiguration, type OidcConfiguration, type OidcOptions } from './oidcConfiguration.js';

const NAMES = Object.keys(
  oidcConfiguration({ issuer: 'https://issuer.example', audience: 'api' }),
) as (keyof OidcConfiguration)[];

/**
 * Checks that a value is what {@link oidcConfiguration} returns, with all of its fields. With fewer seconds, every token would be refused.
 *
 * @throws TypeError
 */
export function checkOidc(value: unknown): void {
  checkNames('oidcConfiguration', value, NAMES);
  const missing = NAMES.find((name) => (value as Partial<OidcConfiguration>)[name] === undefined);
  if (missing !== undefined) throw new TypeError(`${missing} is missing`);
  const given = value as OidcConfiguration;
  for (const name of ['resourceMetadata', 'mcpMetadata'] as const) {
    const address: unknown = given[name];
    if (address !== null && typeof address !== 'string') throw new TypeError(`${name} is not a string`);
  }
  const { resourceMetadata: _, mcpMetadata: __, workspace, ...rest } = given;
  if (typeof workspace !== 'string' || workspace === '') throw new TypeError('workspace is not a name');
  const options = Object.entries({ ...rest, ...(given.workspaceClaim === null && { workspace }) });
  oidcConfiguration(Object.fromEntries(options.filter(([, each]) => each !== null)) as unknown as OidcOptions);
}
