import { existsSync } from 'node:fs';
import type { OperatorKey } from '../../core/auth/operator.js';
import { ANSWER_LIMITS, type AnswerLimits } from '../../core/guard/answer/answerLimits.js';
import type { CostMode } from '../../core/guard/cost/costMode.js';
import type { Introspection } from '../../core/guard/introspection.js';
import { gatewayOf, NO_UPSTREAM, type GatewaySettings, type Read } from './gatewaySettings.js';
import type { ProxyHeader } from '../net/trustedProxies.js';
import type { Proxies } from '../../shared/outgoing/proxies.js';
import { knowsTier, tierOf, tiersIn } from '../../core/limits/tiers.js';
import type { Tier } from '../../core/store/records.js';
import { NO_FILE, readConfiguration, type FileConfiguration } from './fileConfiguration.js';
import { SettingsError } from '../../shared/settings/error.js';
import { FaultCollector } from '../../shared/settings/faultCollector.js';
import { DEFAULT_FILE } from './configFile.js';
import { OPTIONS, type LOG_LEVELS, type OptionName } from './options.js';
import { quotedOptions, readOptionOf } from './readOption.js';
import type { Environment } from './secretFile.js';
import { readProxies } from '../../shared/settings/proxyVariables.js';
import { isTracingAsked } from './tracingAsked.js';

export interface Settings {
  readonly port: number;
  readonly host: string;
  /** The public address of the server, without a trailing slash; null if unknown. */
  readonly publicUrl: string | null;
  /** null for SQLite in `dataDir`. */
  readonly mongodbUri: string | null;
  readonly dataDir: string;
  /** null: each process counts limits separately. */
  readonly redisUrl: string | null;
  /** The key of ADMIN_API_KEY, as a hash. */
  readonly operator: OperatorKey | null;
  /** Newest first; empty if not set. */
  readonly peppers: readonly string[];
  /** The configuration file. KEY_PREFIXES, RATE_LIMIT_HEADERS and DEMO override it. */
  readonly configuration: FileConfiguration;
  readonly bcryptCost: number;
  /** In milliseconds. */
  readonly cacheTtl: number;
  /** How long a key is kept after it was revoked or expired, in milliseconds; null: forever. */
  readonly keepEndedKeys: number | null;
  /** In milliseconds. */
  readonly shutdownDelay: number;
  /** The maximum size of a response. */
  readonly answer: AnswerLimits;
  /** The maximum number of open connections of a process, including streams. */
  readonly maxConnections: number;
  /** The maximum number of open streams of a process. */
  readonly maxStreams: number;
  /** The maximum number of bytes that wait for slow readers of streams in a process. */
  readonly maxStreamBytes: number;
  /** Addresses and CIDR ranges of trusted proxies; empty if there are none. */
  readonly trustProxy: readonly string[];
  /** The header field in which trusted proxies send the client's address. */
  readonly trustProxyHeader: ProxyHeader;
  /** The services that /v1/auth signs principals for; empty if there are none. */
  readonly authAudiences: readonly string[];
  /** Whether plain HTTP is refused, except from this machine. */
  readonly requireHttps: boolean;
  /** The files of the server's certificate and private key; null: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** The destinations for copies of the heads of audit logs. */
  readonly auditHeads: {
    readonly file: string | null;
    readonly webhook: { readonly url: string; readonly secret: string } | null;
  };
  readonly corsOrigins: readonly string[];
  /** Additional request header fields that pages of `corsOrigins` can send. */
  readonly corsRequestHeaders: readonly string[];
  /** Additional response header fields that these pages can read. */
  readonly corsResponseHeaders: readonly string[];
  readonly introspection: Introspection;
  readonly cost: CostMode;
  /** Proxies through which the server requests the issuer of access tokens; null if none. */
  readonly proxies: Proxies | null;
  /** Whether the dashboard is served. */
  readonly dashboard: boolean;
  /** The separate server for metrics; null if the API's server also serves metrics. */
  readonly metrics: { readonly port: number; readonly host: string; readonly hostName: string } | null;
  /** Whether traces are sent. OpenTelemetry reads the destination and its other settings from the OTEL_ variables. */
  readonly tracing: boolean;
  /** Whether files are watched and reloaded when they change. */
  readonly configWatch: boolean;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** The API behind the gateway; null if the server is not a gateway. */
  readonly gateway: GatewaySettings | null;
  /** The number of worker processes; null if this process serves without workers. */
  readonly workers: number | null;
  /** Warnings to log at startup. They contain no secret. */
  readonly warnings: readonly string[];
}

export { SettingsError };

const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[];

/**
 * Reads the settings from environment variables and the configuration file.
 * @throws SettingsError with all invalid values, one in each line
 */
export function readSettings(environment: Environment = process.env): Settings {
  const faults = new FaultCollector();
  const options = new Map<OptionName, unknown>();
  for (const name of OPTION_NAMES)
    options.set(
      name,
      faults.run(() => readOptionOf(name, environment)),
    );
  const read: Read = (name) => options.get(name) as never;
  const path = read('LATCHKEY_CONFIG');
  // Otherwise an invalid path would be replaced by the path of the default file.
  const file =
    path === undefined && environment.LATCHKEY_CONFIG !== undefined
      ? undefined
      : faults.run(() => configurationOf(environment, read, path ?? null, read('ADMIN_API_KEY') ?? null));
  const proxies = faults.run(() => readProxies(environment)) ?? null;
  // The checks of several values would only repeat what is wrong with one of them.
  faults.assertNone();
  const mongodbUri = read('MONGODB_URI') ?? null;
  const operator = read('ADMIN_API_KEY') ?? null;
  const port = read('PORT') ?? 4000;
  const host = read('HOST') ?? '127.0.0.1';
  const metricsPort = read('METRICS_PORT');
  const metricsHost = read('METRICS_HOST');
  const configuration = file ?? NO_FILE;
  faults.run(() => checkMetricsPort(metricsPort, port));
  const tls = faults.run(() => tlsOf(read('TLS_CERT'), read('TLS_KEY'))) ?? null;
  const webhook = faults.run(() => webhookOf(read('AUDIT_HEADS_WEBHOOK'), read('AUDIT_HEADS_WEBHOOK_SECRET'))) ?? null;
  const gateway = faults.run(() => gatewayOf(read, configuration)) ?? null;
  faults.assertNone();
  return Object.freeze({
    port,
    host,
    publicUrl: read('PUBLIC_URL') ?? null,
    mongodbUri,
    dataDir: read('DATA_DIR') ?? './data',
    redisUrl: read('REDIS_URL') ?? null,
    operator,
    peppers: Object.freeze(read('KEY_PEPPER') ?? []),
    configuration,
    bcryptCost: read('BCRYPT_COST') ?? 10,
    cacheTtl: read('AUTH_CACHE_TTL') ?? 1_000,
    keepEndedKeys: read('KEEP_ENDED_KEYS') ?? null,
    shutdownDelay: read('SHUTDOWN_DELAY') ?? 3_000,
    answer: Object.freeze({
      fields: read('MAX_ANSWER_FIELDS') ?? ANSWER_LIMITS.fields,
      eventFields: read('MAX_EVENT_FIELDS') ?? 10_000,
      bytes: read('MAX_ANSWER_BYTES') ?? ANSWER_LIMITS.bytes,
    }),
    maxConnections: read('MAX_CONNECTIONS') ?? 16_000,
    maxStreams: read('MAX_STREAMS') ?? 10_000,
    maxStreamBytes: read('MAX_STREAM_BYTES') ?? 64 * 2 ** 20,
    trustProxy: Object.freeze(read('TRUST_PROXY') ?? []),
    trustProxyHeader: read('TRUST_PROXY_HEADER') ?? 'x-forwarded-for',
    authAudiences: Object.freeze(read('AUTH_AUDIENCES') ?? []),
    requireHttps: read('REQUIRE_HTTPS') ?? environment.NODE_ENV === 'production',
    tls,
    auditHeads: Object.freeze({
      file: read('AUDIT_HEADS_FILE') ?? null,
      webhook,
    }),
    corsOrigins: Object.freeze(read('CORS_ORIGINS') ?? []),
    corsRequestHeaders: Object.freeze(read('CORS_REQUEST_HEADERS') ?? []),
    corsResponseHeaders: Object.freeze(read('CORS_RESPONSE_HEADERS') ?? []),
    introspection: read('INTROSPECTION') ?? 'authenticated',
    cost: read('COST') ?? 'enforce',
    proxies,
    dashboard: read('DASHBOARD') ?? true,
    metrics: metricsPort === undefined ? null : Object.freeze(metricsAddress(metricsPort, metricsHost, host)),
    tracing: isTracingAsked(environment),
    gateway,
    configWatch: read('CONFIG_WATCH') ?? true,
    logLevel: read('LOG_LEVEL') ?? 'info',
    workers: read('WORKERS') ?? null,
    warnings: Object.freeze(quotedOptions(environment)),
  });
}

/**
 * Reads only the settings of the gateway.
 *
 * @param variables override environment variables. Undefined: not set
 * @param needsRules whether a schema or a policy is required
 * @throws SettingsError, also if no upstream is set
 */
export function readGateway(
  variables: Readonly<Record<string, string | undefined>>,
  needsRules: boolean,
): GatewaySettings {
  const given = Object.entries(variables).filter(([, value]) => value !== undefined);
  const environment = { ...process.env, ...Object.fromEntries(given) };
  const read: Read = (name) => readOptionOf(name, environment);
  const configuration = configurationOf(environment, read, read('LATCHKEY_CONFIG') ?? null, null);
  const gateway = gatewayOf(read, configuration, needsRules);
  if (gateway === null) throw new SettingsError(NO_UPSTREAM);
  return gateway;
}

/** Sets environment variables, so that workers get them too. @param variables undefined if unchanged */
export function overrideVariables(variables: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(variables)) if (value !== undefined) process.env[name] = value;
}

/** @throws SettingsError if the metrics would be served at the port of the API */
function checkMetricsPort(metricsPort: number | undefined, port: number): void {
  if (metricsPort !== port || port === 0) return;
  throw new SettingsError(
    `METRICS_PORT is ${port}, which is the API's own port. Allowed: ${OPTIONS.METRICS_PORT.allowed}.`,
  );
}

/** Returns the address of the metrics server. `hostName` is the name of the setting with the host, for errors. */
function metricsAddress(port: number, own: string | undefined, host: string): NonNullable<Settings['metrics']> {
  return own === undefined ? { port, host, hostName: 'HOST' } : { port, host: own, hostName: 'METRICS_HOST' };
}

/** Returns the TLS files. @throws SettingsError if only one is set: the server must not fall back to plain HTTP */
function tlsOf(cert: string | undefined, key: string | undefined): Settings['tls'] {
  if (cert !== undefined && key !== undefined) return Object.freeze({ cert, key });
  if (cert === undefined && key === undefined) return null;
  const [given, missing] = cert === undefined ? ['TLS_KEY', 'TLS_CERT'] : ['TLS_CERT', 'TLS_KEY'];
  throw new SettingsError(`${given} is set without ${missing}. Allowed: both of them, or neither.`);
}

/** Returns the webhook. @throws SettingsError if only one is set: a receiver can't trust requests without a signature */
function webhookOf(url: string | undefined, secret: string | undefined): Settings['auditHeads']['webhook'] {
  if (url !== undefined && secret !== undefined) return Object.freeze({ url, secret });
  if (url === undefined && secret === undefined) return null;
  const [given, missing] = ['AUDIT_HEADS_WEBHOOK', 'AUDIT_HEADS_WEBHOOK_SECRET'];
  const [set, unset] = url === undefined ? [missing, given] : [given, missing];
  throw new SettingsError(`${set} is set without ${unset}. Allowed: both of them, or neither.`);
}

/**
 * Reads the configuration file again, for a reload. Environment variables keep their values from startup.
 * @throws SettingsError, also if the file no longer exists
 */
export function rereadConfiguration(
  { configuration: { path }, operator }: Pick<Settings, 'configuration' | 'operator'>,
  environment: Environment = process.env,
): FileConfiguration {
  const read: Read = (name) => readOptionOf(name, environment);
  return configurationOf(environment, read, path, operator);
}

/** @throws SettingsError if the configuration doesn't have the tier */
function defaultTierIn({ tiers, defaultTier }: FileConfiguration, wanted: Tier | undefined): Tier {
  if (wanted === undefined) return defaultTier;
  // The file can rename the tier, but a running process keeps its environment.
  if (knowsTier(tiers, wanted)) return tierOf(tiers, wanted);
  throw new SettingsError(
    `DEFAULT_TIER is ${wanted}, which is not a tier. Allowed: one of ${tiersIn(tiers).join(', ')}.`,
  );
}

/** @param path null: the default file, if it exists */
function configurationOf(
  environment: Environment,
  read: Read,
  path: string | null,
  operator: OperatorKey | null,
): FileConfiguration {
  const prefixes = read('KEY_PREFIXES');
  const publicUrl = read('PUBLIC_URL') ?? null;
  const file = path ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : null);
  const configuration = file === null ? NO_FILE : readConfiguration(file, environment, operator, publicUrl);
  const rateLimitHeaders = read('RATE_LIMIT_HEADERS');
  return Object.freeze({
    ...configuration,
    defaultTier: defaultTierIn(configuration, read('DEFAULT_TIER')),
    demo: read('DEMO') ?? configuration.demo,
    ...(prefixes !== undefined && { prefixes: Object.freeze(prefixes) }),
    ...(rateLimitHeaders !== undefined && { rateLimitHeaders }),
  });
}
