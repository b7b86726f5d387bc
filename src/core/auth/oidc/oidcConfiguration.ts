import { checkNames, checkTexts, optionError } from '../../../shared/optionChecks.js';
import { DEFAULT_WORKSPACE_ID } from '../operator.js';
import { metadataAddress } from './wellKnown.js';
import { AUDIENCE_PARAMETERS, type AudienceParameter } from '../../../shared/signIn.js';

/** Supported signature algorithms. Without `none`, and without HMAC, for which the public key would be the secret. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

const DEFAULT_ALGORITHMS: readonly Algorithm[] = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** The maximum clock tolerance in seconds. With more, tokens would be valid long after they expire. */
export const MAX_CLOCK_TOLERANCE = 300;

/**
 * The name of a claim. If a token has no claim with this name, a string is a path through nested objects, separated by dots.
 * A list is a path of exact names, which may contain dots, such as `['https://example.com/roles']`.
 */
export type ClaimName = string | readonly string[];

/** Describes what {@link isClaim} allows, for messages. */
export const CLAIM =
  'the name of a claim (1 to 200 visible ASCII characters), or a list of 1 to 10 such names that lead to it, as in [resource_access, my.client, roles]';

/** Returns whether a value is a valid {@link ClaimName}. */
export function isClaim(input: unknown): input is ClaimName {
  const names: readonly unknown[] = Array.isArray(input) ? input : [input];
  return (
    names.length >= 1 &&
    names.length <= 10 &&
    names.every((name) => typeof name === 'string' && /^[\x21-\x7e]{1,200}$/.test(name))
  );
}

/** The OAuth client of the dashboard: a public client that uses the authorization code flow with PKCE. */
interface DashboardClient {
  readonly clientId: string;
  /** The requested scopes. Default: `openid`. */
  readonly scopes?: readonly string[] | undefined;
  /** How the audience is requested. Default: `resource`. */
  readonly audienceParameter?: AudienceParameter | undefined;
}

/**
 * The options of `oidcConfiguration`.
 *
 * @example
 * ```ts
 * import { oidcConfiguration, type OidcOptions } from 'latchkey';
 *
 * const options: OidcOptions = { issuer: 'https://id.example.com', audience: 'orders-api', rolesClaim: 'groups' };
 * export const oidc = oidcConfiguration(options);
 * ```
 */
export interface OidcOptions {
  /** The issuer's identifier, exactly as its tokens have it in `iss`: https, or http on a loopback address. */
  readonly issuer: string;
  /** The value that the `aud` of a token must contain. */
  readonly audience: string;
  /** Accepted signature algorithms. Default: RS256, PS256, ES256, EdDSA. */
  readonly algorithms?: readonly Algorithm[] | undefined;
  /** The claim with the scopes, a string or a list. Default: `scope`. */
  readonly scopesClaim?: ClaimName | undefined;
  /** The claim with the names of roles. Default: `roles`. */
  readonly rolesClaim?: ClaimName | undefined;
  /** The workspace of all tokens. Default: `default`. */
  readonly workspace?: string | undefined;
  /** The claim with the ID of the token's workspace, instead of `workspace`. Default: none. */
  readonly workspaceClaim?: ClaimName | undefined;
  /** The tolerated difference from the issuer's clock, in seconds, 0 to 300. Default: 5. */
  readonly clockTolerance?: number | undefined;
  /** The address of the issuer's keys. Default: the address in its discovery document. */
  readonly jwksUri?: string | undefined;
  /** The public address of the API (RFC 9728, `resource`). Default: none, and no metadata. */
  readonly resource?: string | undefined;
  /**
   * The address of the server's MCP endpoint. It is a separate resource (RFC 8707), which the `aud` of a token may also name.
   * Default: none, and no metadata.
   */
  readonly mcpResource?: string | undefined;
  /** The client for signing in to the dashboard. Default: none, so that the dashboard only accepts keys. */
  readonly dashboard?: DashboardClient | undefined;
}

/**
 * The trusted issuer and how its tokens are interpreted: {@link OidcOptions} with defaults.
 *
 * @example
 * ```ts
 * import { oidcConfiguration, type OidcConfiguration } from 'latchkey';
 *
 * export const oidc: OidcConfiguration = oidcConfiguration({ issuer: 'https://id.example.com', audience: 'orders-api' });
 * ```
 */
export interface OidcConfiguration {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly Algorithm[];
  readonly scopesClaim: ClaimName;
  readonly rolesClaim: ClaimName;
  readonly workspace: string;
  /** null: all tokens belong to `workspace`. */
  readonly workspaceClaim: ClaimName | null;
  /** In seconds. */
  readonly clockTolerance: number;
  /** null: the address in the discovery document. */
  readonly jwksUri: string | null;
  readonly resource: string | null;
  readonly mcpResource: string | null;
  /** The address of the metadata of `resource`, for challenges; null if none. */
  readonly resourceMetadata: string | null;
  /** The address of the metadata of `mcpResource`; null if none. */
  readonly mcpMetadata: string | null;
  /** null if the dashboard offers no sign-in at the issuer. */
  readonly dashboard: {
    readonly clientId: string;
    readonly scopes: readonly string[];
    readonly audienceParameter: AudienceParameter;
  } | null;
}

/**
 * Checks options and adds defaults.
 *
 * @throws TypeError that names the option
 * @example
 * ```ts
 * import { NO_CONFIGURATION, oidcConfiguration } from 'latchkey';
 *
 * const oidc = oidcConfiguration({ issuer: 'https://id.example.com', audience: 'orders-api' });
 * export const configuration = { ...NO_CONFIGURATION, oidc };
 * ```
 */
export function oidcConfiguration(options: OidcOptions): OidcConfiguration {
  checkForms(options);
  checkValues(options);
  const { issuer, audience, algorithms = DEFAULT_ALGORITHMS, clockTolerance = 5 } = options;
  const { workspace, workspaceClaim, jwksUri, resource, mcpResource, dashboard } = options;
  const { scopesClaim = 'scope', rolesClaim = 'roles' } = options;
  return Object.freeze({
    issuer,
    audience,
    algorithms: Object.freeze([...algorithms]),
    scopesClaim,
    rolesClaim,
    workspace: workspace ?? DEFAULT_WORKSPACE_ID,
    workspaceClaim: workspaceClaim ?? null,
    clockTolerance,
    jwksUri: jwksUri ?? null,
    resource: resource ?? null,
    mcpResource: mcpResource ?? null,
    resourceMetadata: resource === undefined ? null : metadataAddress(resource),
    mcpMetadata: mcpResource === undefined ? null : metadataAddress(mcpResource),
    dashboard: dashboard === undefined ? null : clientOf(dashboard),
  });
}

const TEXTS = [...(['issuer', 'audience', 'workspace', 'jwksUri', 'resource', 'mcpResource'] as const)];
const CLAIMS = ['scopesClaim', 'rolesClaim', 'workspaceClaim'] as const;
const LISTS = ['algorithms'] as const;
const ADDRESSES = ['issuer', 'jwksUri', 'resource', 'mcpResource'] as const;
const ALGORITHM_LIST = `a list of one or more of ${ALGORITHMS.join(', ')}`;
const TOLERANCE = `a number of seconds from 0 to ${MAX_CLOCK_TOLERANCE}`;

const WHAT = 'oidcConfiguration';

/** @throws TypeError for a value of the right type that is not allowed */
function checkValues(options: OidcOptions): void {
  const { algorithms, clockTolerance, workspace, workspaceClaim } = options;
  for (const name of ADDRESSES) {
    const value = options[name];
    // An address with a password in it is not allowed, and must not be shown.
    if (value !== undefined && !isAddress(value)) throw optionError(`${WHAT}: ${name}`, value, ADDRESS, true);
  }
  algorithms?.forEach((name, i) => {
    if (!ALGORITHMS.includes(name)) {
      throw optionError(`${WHAT}: algorithms[${i}]`, name, `one of ${ALGORITHMS.join(', ')}`);
    }
  });
  if (algorithms?.length === 0) throw optionError(`${WHAT}: algorithms`, algorithms, ALGORITHM_LIST);
  if (clockTolerance !== undefined && !(clockTolerance >= 0 && clockTolerance <= MAX_CLOCK_TOLERANCE)) {
    throw optionError(`${WHAT}: clockTolerance`, clockTolerance, TOLERANCE);
  }
  if (workspace !== undefined && workspaceClaim !== undefined) {
    throw new TypeError(`${WHAT}: pass workspace or workspaceClaim, not both.`);
  }
}

/** @throws TypeError for an unknown name, or a value of a wrong type */
function checkForms(options: OidcOptions): void {
  const what = WHAT;
  checkNames(what, options, [...TEXTS, ...CLAIMS, ...LISTS, 'clockTolerance', 'dashboard']);
  for (const name of TEXTS) {
    const value: unknown = options[name];
    if (value === undefined && name !== 'issuer' && name !== 'audience') continue;
    if (typeof value !== 'string' || value === '') {
      throw optionError(`${what}: ${name}`, value, 'a string that is not empty');
    }
  }
  for (const name of CLAIMS) {
    const value: unknown = options[name];
    if (value !== undefined && !isClaim(value)) throw optionError(`${what}: ${name}`, value, CLAIM);
  }
  if (options.algorithms !== undefined) checkTexts(`${what}: algorithms`, options.algorithms, ALGORITHM_LIST);
  if (options.clockTolerance !== undefined && typeof options.clockTolerance !== 'number') {
    throw optionError(`${what}: clockTolerance`, options.clockTolerance, TOLERANCE);
  }
  if (options.dashboard !== undefined) checkDashboard(`${what}: dashboard`, options.dashboard);
}

function checkDashboard(what: string, dashboard: DashboardClient): void {
  checkNames(what, dashboard, ['clientId', 'scopes', 'audienceParameter']);
  const { clientId, scopes, audienceParameter } = dashboard;
  if (typeof clientId !== 'string' || clientId === '') {
    throw optionError(`${what}.clientId`, clientId, 'the name of the client that the issuer knows');
  }
  if (scopes !== undefined) checkTexts(`${what}.scopes`, scopes, 'a list of scopes');
  if (audienceParameter !== undefined && !AUDIENCE_PARAMETERS.includes(audienceParameter)) {
    throw optionError(`${what}.audienceParameter`, audienceParameter, `one of ${AUDIENCE_PARAMETERS.join(', ')}`);
  }
}

function clientOf({ clientId, scopes = ['openid'], audienceParameter = 'resource' }: DashboardClient) {
  return Object.freeze({ clientId, scopes: Object.freeze([...scopes]), audienceParameter });
}

/** Describes what {@link isAddress} allows, for messages. */
export const ADDRESS = 'an https address without query and fragment, or an http one on a loopback address';

/**
 * Returns whether a text is a valid address of an issuer. An attacker who can alter the issuer's responses can authenticate as
 * anyone. So https is required, except on loopback addresses.
 */
export function isAddress(text: string): boolean {
  if (!/^https?:\/\/[^\s?#@\\"]+$/.test(text) || !URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}
