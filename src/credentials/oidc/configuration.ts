import { checkNames, checkTexts, optionError } from '../../options.js';
import { DEFAULT_WORKSPACE_ID } from '../operator.js';
import { metadataAddress } from './wellKnown.js';

/** Signatures that an issuer's public key can be asked for: neither `none` nor HMAC, whose secret the public key would be. */
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

/** In seconds: beyond this, expiry would mean little. */
export const MAX_CLOCK_TOLERANCE = 300;

/** How a request for tokens names whom they are for: `resource` by RFC 8707, `audience` as some issuers have it, or not at all. */
export const AUDIENCE_PARAMETERS = ['resource', 'audience', 'none'] as const;
export type AudienceParameter = (typeof AUDIENCE_PARAMETERS)[number];

/**
 * Where a claim is. A text is the name of a claim; where a token has none of that name, the text is a path into maps, separated by
 * dots. A list is a path of exact names, whatever dots they hold: `['https://example.com/roles']` is never looked for elsewhere.
 */
export type ClaimName = string | readonly string[];

/** What {@link isClaim} allows, in words. */
export const CLAIM =
  'the name of a claim (1 to 200 visible ASCII characters), or a list of 1 to 10 such names that lead to it, as in [resource_access, my.client, roles]';

export function isClaim(input: unknown): input is ClaimName {
  const names: readonly unknown[] = Array.isArray(input) ? input : [input];
  return (
    names.length >= 1 &&
    names.length <= 10 &&
    names.every((name) => typeof name === 'string' && /^[\x21-\x7e]{1,200}$/.test(name))
  );
}

/** The client as which the dashboard lets people sign in: a public one, by code and PKCE. */
export interface DashboardClient {
  readonly clientId: string;
  /** What it asks for. Default: `openid`. */
  readonly scopes?: readonly string[] | undefined;
  /** Default: `resource`. */
  readonly audienceParameter?: AudienceParameter | undefined;
}

export interface OidcOptions {
  /** The issuer's identifier, exactly as its tokens have it in `iss`: https, or http on a loopback address. */
  readonly issuer: string;
  /** What a token must name in `aud`. */
  readonly audience: string;
  /** Default: RS256, PS256, ES256, EdDSA. */
  readonly algorithms?: readonly Algorithm[] | undefined;
  /** The claim that holds scopes, a text or a list. Default: `scope`. */
  readonly scopesClaim?: ClaimName | undefined;
  /** The claim that holds names of roles. Default: `roles`. */
  readonly rolesClaim?: ClaimName | undefined;
  /** The workspace of all tokens. Default: `default`. */
  readonly workspace?: string | undefined;
  /** The claim that holds the id of a token's workspace, instead of one for all. Default: none. */
  readonly workspaceClaim?: ClaimName | undefined;
  /** How far the issuer's clock may be off, in seconds, 0 to 300. Default: 5. */
  readonly clockTolerance?: number | undefined;
  /** Where the issuer's keys are. Default: where its discovery document says. */
  readonly jwksUri?: string | undefined;
  /** The address under which callers reach the API (RFC 9728, `resource`). Default: none, and no metadata. */
  readonly resource?: string | undefined;
  /**
   * The address of the server's MCP endpoint, a resource of its own (RFC 8707): tokens may name it in `aud` as well. Default:
   * none, and no metadata.
   */
  readonly mcpResource?: string | undefined;
  /** Default: none, and the dashboard takes keys alone. */
  readonly dashboard?: DashboardClient | undefined;
}

/** Whose access tokens are let in, and what they stand for: {@link OidcOptions} with its defaults. */
export interface OidcConfiguration {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly Algorithm[];
  readonly scopesClaim: ClaimName;
  readonly rolesClaim: ClaimName;
  readonly workspace: string;
  /** null: all tokens belong to `workspace`. */
  readonly workspaceClaim: ClaimName | null;
  /** Seconds. */
  readonly clockTolerance: number;
  /** null: the discovery document says. */
  readonly jwksUri: string | null;
  readonly resource: string | null;
  readonly mcpResource: string | null;
  /** Where the metadata of `resource` is, for challenges; null: nowhere. */
  readonly resourceMetadata: string | null;
  /** Where that of `mcpResource` is. */
  readonly mcpMetadata: string | null;
  /** null: nobody signs in to the dashboard at the issuer. */
  readonly dashboard: {
    readonly clientId: string;
    readonly scopes: readonly string[];
    readonly audienceParameter: AudienceParameter;
  } | null;
}

/** @throws TypeError naming the option */
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
    throw new TypeError(`${WHAT}: pass workspace or workspaceClaim, and not both.`);
  }
}

/** @throws TypeError for a name that is unknown, or a value of a wrong type */
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

/** What {@link isAddress} allows, in words. */
export const ADDRESS = 'an https address without query and fragment, or an http one on a loopback address';

/**
 * Whoever alters what an issuer answers decides who is let in: https, and http where nothing leaves the machine.
 */
export function isAddress(text: string): boolean {
  if (!/^https?:\/\/[^\s?#@\\"]+$/.test(text) || !URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}
