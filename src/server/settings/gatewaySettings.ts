import { SettingsError } from '../../shared/settings/error.js';
import type { OnDenied } from '../../core/guard/authorize.js';
import type { FileConfiguration } from './fileConfiguration.js';
import { GATEWAY_KEYS } from './fileSchema.js';
import { type OptionName, type ValueOf } from './options.js';
import { readOption } from './readOption.js';

/** The settings of a gateway. */
export interface GatewaySettings {
  /** The address of the upstream's GraphQL endpoint. */
  readonly upstream: string;
  /** The path of the schema file; null if the upstream is asked for its schema. */
  readonly schema: string | null;
  /** The path of the policy file; null if the rules are in the schema file. */
  readonly policy: string | null;
  /** The response to an operation with fields that its caller may not use. */
  readonly onDenied: OnDenied;
  /** The maximum time for a response, in ms. */
  readonly timeout: number;
  readonly connections: number;
  /** The maximum size of an upload, in bytes; 0 if uploads are refused. */
  readonly maxUploadBytes: number;
  /** The maximum time for an upload to arrive, in ms. */
  readonly uploadTime: number;
  /** The value of Authorization for the upstream; null if none. */
  readonly authorization: string | null;
  /** Additional header fields of callers that reach the upstream. */
  readonly requestHeaders: readonly string[];
  /** Additional header fields of the upstream that reach callers. */
  readonly responseHeaders: readonly string[];
  /** The address for operations over WebSockets; null if they are not forwarded. */
  readonly webSockets: string | null;
  /** How often the upstream's schema is compared, in ms; 0 means never. */
  readonly checkInterval: number;
  /** The `aud` claim of Latchkey-Principal. */
  readonly audience: string;
}

/** Returns a setting of the environment; undefined if it is not set. */
export type Read = <Name extends OptionName>(name: Name) => ValueOf<Name> | undefined;

/**
 * Returns the settings of the gateway from the environment and the configuration file; null if no upstream is set.
 *
 * @param needsRules whether a schema or a policy is required
 * @throws SettingsError if there are neither a schema nor a policy, or no upstream
 */
export function gatewayOf(
  readVariable: Read,
  { gateway: file }: Pick<FileConfiguration, 'gateway'>,
  needsRules = true,
): GatewaySettings | null {
  const read = <Name extends OptionName>(name: Name): ValueOf<Name> | undefined => {
    const [key] = GATEWAY_KEYS.find(([, other]) => other === name) ?? [];
    return readVariable(name) ?? (key === undefined ? undefined : readOption(name, file[key], `gateway.${key}`));
  };
  const upstream = read('GATEWAY_UPSTREAM');
  const schema = read('GATEWAY_SCHEMA') ?? null;
  const policy = read('GATEWAY_POLICY') ?? null;
  // Read in any case, so that an invalid value is reported.
  const others = {
    onDenied: read('GATEWAY_ON_DENIED') ?? 'refuse',
    timeout: read('GATEWAY_TIMEOUT') ?? 30_000,
    connections: read('GATEWAY_CONNECTIONS') ?? 1_000,
    maxUploadBytes: read('GATEWAY_MAX_UPLOAD_BYTES') ?? 10 * 2 ** 20,
    uploadTime: read('GATEWAY_UPLOAD_TIMEOUT') ?? 300_000,
    authorization: read('GATEWAY_AUTHORIZATION') ?? null,
    requestHeaders: Object.freeze(read('GATEWAY_REQUEST_HEADERS') ?? []),
    responseHeaders: Object.freeze(read('GATEWAY_RESPONSE_HEADERS') ?? []),
    checkInterval: (read('GATEWAY_CHECK_INTERVAL') ?? 60) * 1_000,
  };
  const audience = read('GATEWAY_AUDIENCE');
  const sockets = read('GATEWAY_WEBSOCKETS');
  if (upstream === undefined) {
    if (!needsRules || (schema === null && policy === null)) return null;
    const given = schema === null ? 'GATEWAY_POLICY' : 'GATEWAY_SCHEMA';
    throw new SettingsError(`${given} is set without GATEWAY_UPSTREAM. Allowed: both of them, or neither.`);
  }
  if (needsRules && schema === null && policy === null) {
    throw new SettingsError(
      'The gateway has no rules, so nobody could use a field. Set GATEWAY_POLICY or --policy, or GATEWAY_SCHEMA or --schema. "latchkey gateway init" writes a first policy.',
    );
  }
  const webSockets = sockets === 'off' ? null : (sockets ?? upstream.replace(/^http/, 'ws'));
  return Object.freeze({ upstream, schema, policy, ...others, webSockets, audience: audience ?? upstream });
}

export const NO_UPSTREAM =
  'No upstream is set. Set GATEWAY_UPSTREAM, or --upstream, to the address of the GraphQL API, such as http://127.0.0.1:8000/graphql.';
