import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { ADDRESS, isAddress } from '../../core/auth/oidc/oidcConfiguration.js';
import { looksLikeJwt } from '../../core/auth/oidc/jwt.js';
import { OperatorKey } from '../../core/auth/operator.js';
import { DEFAULT_PREFIXES, isToken, MAX_CREDENTIAL_LENGTH, PREFIX_PATTERN } from '../../core/keys/token.js';
import { RATE_LIMIT_HEADERS } from '../../core/limits/limitFields.js';
import { PROXY_HEADERS } from '../net/trustedProxies.js';
import { DAY } from '../../core/store/periods.js';
import { isTierName } from '../../core/limits/tierNames.js';
import { KEY_TYPES, type KeyType } from '../../core/store/records.js';
import { faultOfField } from '../gateway/forwardedFields.js';
import { isUpstream, isWsUpstream, UPSTREAM, WS_UPSTREAM } from '../gateway/upstreamAddress.js';
import { parseFieldNames } from './fieldNames.js';
import { parseOrigin } from './origin.js';
import {
  faultOfProxy,
  HOST_RULE,
  isRedisUrl,
  isWebhook,
  list,
  listOf,
  oneOf,
  path,
  wholeNumber,
} from './optionValues.js';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export interface Option<T> {
  /** A short description in Markdown, used in docs/reference/settings.md. */
  readonly about: string;
  /** The default value, as you would write it. */
  readonly default?: string;
  /** A description of the default, if it is not a single value. */
  readonly unset?: string;
  /** The page in docs/ with details, and its heading. */
  readonly page?: string;
  /** A description of the allowed values, which ends the error message. */
  readonly allowed: string;
  /** Marks a secret, whose value must not appear in errors. */
  readonly secret?: true;
  /** Parses the text of the variable. The message of an issue says what is wrong. */
  readonly schema: z.ZodType<T, string>;
}

const option = <T>(value: Option<T>): Option<T> => value;

/** The minimum length of a pepper, or of a key that a person chooses, in characters. */
const MIN_SECRET_LENGTH = 32;

/** A worker needs about 100 MB of memory. More workers than cores don't improve throughput. */
const MAX_WORKERS = 64;

/** All environment variables that Latchkey reads. */
export const OPTIONS = {
  PORT: option({
    about: 'the port to listen on',
    default: '4000',
    allowed: 'a whole number from 0 to 65535, where 0 picks a free port',
    schema: wholeNumber(0, 65_535),
  }),
  HOST: option({ about: 'the host name or address to listen on', default: '127.0.0.1', ...HOST_RULE }),
  PUBLIC_URL: option({
    about:
      'the public address of the server: the `iss` of the tokens that it signs, and what OIDC clients need to find the issuer. Set it to the same value in all processes',
    page: 'how-to/oidc.md#3-let-clients-find-the-issuer',
    allowed: ADDRESS,
    schema: z
      .string()
      .refine(isAddress, 'is not a valid address')
      .transform((text) => text.replace(/\/+$/, '')),
  }),
  MONGODB_URI: option({
    about: 'store all data in this MongoDB instead of SQLite',
    unset: 'SQLite',
    page: 'explanation/stores.md',
    allowed: 'a connection string that begins with mongodb:// or mongodb+srv://',
    secret: true,
    schema: z.string().regex(/^mongodb(\+srv)?:\/\/\S+$/, 'is not a MongoDB connection string'),
  }),
  DATA_DIR: option({
    about: 'the directory of the SQLite database and its pepper',
    default: './data',
    page: 'explanation/stores.md#sqlite',
    allowed: 'a directory that this process may write',
    schema: path,
  }),
  REDIS_URL: option({
    about: 'a Redis that lets several processes share limits and notify each other of changes',
    unset: 'limits are counted separately for each start',
    page: 'how-to/operations.md#redis',
    allowed:
      'redis:// or rediss:// (TLS), then user:password@ where needed, a host, and optionally :port and /database',
    secret: true,
    schema: z.string().refine(isRedisUrl, 'is not the address of a Redis server'),
  }),
  ADMIN_API_KEY: option({
    about: "the operator's key, with the scope `platform`",
    unset: 'none',
    allowed: `${MIN_SECRET_LENGTH} to ${MAX_CREDENTIAL_LENGTH} visible ASCII characters, such as openssl rand -base64 32 prints`,
    secret: true,
    schema: z
      .string()
      .min(MIN_SECRET_LENGTH, 'is too short')
      .max(MAX_CREDENTIAL_LENGTH, 'is too long')
      .regex(/^[\x21-\x7e]+$/, 'contains white space or characters outside ASCII')
      .refine((text) => !isToken(text), 'is a key that Latchkey created; choose another value')
      .refine((text) => !looksLikeJwt(text), 'has the form of a JWT; choose another value')
      .transform((text) => new OperatorKey(text)),
  }),
  KEY_PEPPER: option({
    about: 'the peppers of the stored digests; with MongoDB, set the same value in every process',
    unset: 'created once in `DATA_DIR`; none with MongoDB',
    page: 'explanation/keys.md#peppers',
    allowed: `one or more values of at least ${MIN_SECRET_LENGTH} characters, such as openssl rand -hex 32 prints, separated by commas, newest first`,
    secret: true,
    schema: list.superRefine((items, context) => {
      // The error shows the position of the pepper and never its text.
      const short = items.findIndex((item) => item.length < MIN_SECRET_LENGTH);
      if (short < 0) return;
      const which = items.length === 1 ? 'is too short' : `has a value that is too short: number ${short + 1}`;
      context.addIssue({ code: 'custom', message: which });
    }),
  }),
  KEY_PREFIXES: option({
    about: 'the prefixes of new tokens; overrides the prefixes in the configuration file',
    default: 'SECRET:lks,CLIENT:lkc,READ_ONLY:lkr',
    page: 'explanation/keys.md#the-token',
    allowed: `TYPE:prefix pairs separated by commas, TYPE one of ${KEY_TYPES.join(', ')}, each prefix different, up to 10 lower-case letters and digits beginning with a letter, as in SECRET:aa`,
    schema: list.transform((items, context) => {
      const prefixes: Record<KeyType, string> = { ...DEFAULT_PREFIXES };
      const fault = (message: string, item?: string) => {
        context.addIssue({ code: 'custom', message, ...(item !== undefined && { params: { item } }) });
        return z.NEVER;
      };
      for (const item of items) {
        const [type, prefix, ...rest] = item.split(':');
        const known = KEY_TYPES.find((candidate) => candidate === type);
        if (known === undefined) return fault('does not begin with a key type', item);
        if (prefix === undefined || rest.length > 0 || !PREFIX_PATTERN.test(prefix))
          return fault('has no prefix of that form', item);
        prefixes[known] = prefix;
      }
      return new Set(Object.values(prefixes)).size === KEY_TYPES.length
        ? prefixes
        : fault('gives two key types the same prefix');
    }),
  }),
  LATCHKEY_CONFIG: option({
    about: 'the configuration file, which defines keys, an issuer, roles, key types and tiers',
    unset: '`./latchkey.yaml`, if it exists',
    page: 'how-to/configuration.md',
    allowed: 'the path of a YAML file: see docs/how-to/configuration.md',
    schema: path,
  }),
  BCRYPT_COST: option({
    about: 'the bcrypt cost for secrets of new keys; each step doubles the time',
    default: '10',
    page: 'reference/sizing.md',
    allowed: 'a whole number from 4 to 15',
    schema: wholeNumber(4, 15),
  }),
  DEFAULT_TIER: option({
    about: 'the tier of new workspaces, unless another one is given',
    unset: '`GROWTH`, or the smallest tier if `tiers` removes `GROWTH`',
    page: 'reference/limits.md',
    allowed: 'the name of a tier, such as GROWTH',
    schema: z.string().refine(isTierName, 'is not the name of a tier'),
  }),
  AUTH_CACHE_TTL: option({
    about:
      'how long a key is cached, and so how long a change made by another process can take; changes made by this process take effect immediately',
    default: '1000',
    page: 'explanation/decisions/cached-records.md',
    allowed: 'a whole number of milliseconds from 0 (every request reads the store) to 60000',
    schema: wholeNumber(0, 60_000),
  }),
  KEEP_ENDED_KEYS: option({
    about: 'how long a key is kept after it was revoked or expired; then it is removed permanently',
    default: 'forever',
    page: 'how-to/remove-ended-keys.md',
    allowed: 'a number of days from 1d to 36500d, such as 90d, or forever',
    schema: z
      .string()
      .regex(/^(forever|\d{1,9}d)$/, 'is not a number of days')
      .transform((text) => (text === 'forever' ? null : Number.parseInt(text, 10)))
      .refine((days) => days === null || (days >= 1 && days <= 36_500), 'is out of range')
      .transform((days) => days && days * DAY),
  }),
  SHUTDOWN_DELAY: option({
    about:
      'the maximum time that the server continues to serve after SIGTERM: /readyz fails, and each response closes its connection. The server stops earlier if no connection is open',
    default: '3000',
    page: 'how-to/operations.md#stopping-and-restarting',
    allowed: 'a whole number of milliseconds from 0 (stop at once) to 300000',
    schema: wholeNumber(0, 300_000),
  }),
  MAX_ANSWER_FIELDS: option({
    about: 'the maximum number of fields, including list entries, in one response',
    default: '50000',
    page: 'reference/limits.md#size-of-a-response',
    allowed: 'a whole number from 1000 to 100000000',
    schema: wholeNumber(1_000, 100_000_000),
  }),
  MAX_EVENT_FIELDS: option({
    about: 'the maximum number of fields, including list entries, in one event of a subscription',
    default: '10000',
    page: 'reference/limits.md#size-of-a-response',
    allowed: 'a whole number from 1000 to 100000000',
    schema: wholeNumber(1_000, 100_000_000),
  }),
  MAX_ANSWER_BYTES: option({
    about: 'the maximum size of the data of one response as JSON, in bytes',
    default: '8388608',
    page: 'reference/limits.md#size-of-a-response',
    allowed: 'a whole number from 10000 to 500000000',
    schema: wholeNumber(10_000, 500_000_000),
  }),
  RATE_LIMIT_HEADERS: option({
    about:
      "which header fields report a key's limits: `RateLimit-Policy` and `RateLimit`, the older `RateLimit-Limit`, `-Remaining` and `-Reset`, or all of them; overrides the configuration file",
    default: 'draft',
    page: 'reference/limits.md#older-header-fields',
    allowed: 'draft, legacy or both',
    schema: oneOf(RATE_LIMIT_HEADERS),
  }),
  MAX_CONNECTIONS: option({
    about:
      'the maximum number of open connections in a process, including streams; additional connections are closed immediately',
    default: '16000',
    page: 'reference/sizing.md#connections',
    allowed: 'a whole number from 1 to 1000000',
    schema: wholeNumber(1, 1_000_000),
  }),
  MAX_STREAMS: option({
    about: 'the maximum number of open streams in a process',
    default: '10000',
    page: 'how-to/streams.md',
    allowed: 'a whole number from 1 to 1000000',
    schema: wholeNumber(1, 1_000_000),
  }),
  MAX_STREAM_BYTES: option({
    about:
      'the maximum number of bytes that wait for slow readers of streams in a process; beyond it, the streams with most waiting bytes are closed',
    default: '67108864',
    page: 'reference/streams.md#slow-readers',
    allowed: 'a whole number from 4194304 (4 MiB) to 999999999',
    schema: wholeNumber(4_194_304, 999_999_999),
  }),
  TRUST_PROXY: option({
    about: 'the proxies in front of the server whose forwarding header is trusted',
    default: 'false',
    page: 'how-to/operations.md#behind-a-proxy',
    allowed:
      'false, or the addresses and CIDR ranges of the proxies in front, separated by commas, as in 127.0.0.1,10.0.0.0/8; true and hop counts are refused, because callers could then choose their own address',
    schema: listOf((item) => (item === 'false' ? null : faultOfProxy(item)))
      .refine((items) => items.length === 1 || !items.includes('false'), 'has proxies in addition to false')
      .transform((items) => items.filter((item) => item !== 'false')),
  }),
  TRUST_PROXY_HEADER: option({
    about: "the header field in which these proxies send the caller's address; the other one is ignored",
    default: 'x-forwarded-for',
    page: 'how-to/operations.md#behind-a-proxy',
    allowed: 'x-forwarded-for, or forwarded (RFC 7239)',
    schema: z
      .string()
      .transform((text) => text.toLowerCase())
      .pipe(oneOf(PROXY_HEADERS)),
  }),
  AUTH_AUDIENCES: option({
    about: 'the services behind your proxies for which `/v1/auth` signs `Latchkey-Principal`',
    unset: 'none, and no principal is signed',
    page: 'reference/verification.md#latchkey-principal',
    allowed:
      'names separated by commas, such as orders or https://orders.internal, of at most 200 visible ASCII characters each',
    schema: listOf((item) => (/^[\x21-\x7e]{1,200}$/.test(item) ? null : 'is not a valid name')),
  }),
  REQUIRE_HTTPS: option({
    about: 'refuse plain HTTP, except from this machine',
    unset: 'false; true with `NODE_ENV=production`',
    page: 'how-to/operations.md#https-only',
    allowed: 'true, or false to allow plain HTTP',
    schema: oneOf(['true', 'false']).transform((text) => text === 'true'),
  }),
  AUDIT_HEADS_FILE: option({
    about: 'a file to which the head of each audit log is appended once a minute if it changed',
    unset: 'no copies are written',
    page: 'how-to/audit-log.md#keep-copies-elsewhere',
    allowed: 'the path of a file that this process may write, and whose directory exists',
    schema: path,
  }),
  AUDIT_HEADS_WEBHOOK: option({
    about: 'an address to which the heads are sent by POST',
    unset: 'nothing is sent',
    page: 'how-to/audit-log.md#keep-copies-elsewhere',
    allowed: 'an address with https://, or with http:// on this machine or in your own network',
    secret: true,
    schema: z.string().refine(isWebhook, 'is not a valid address'),
  }),
  AUDIT_HEADS_WEBHOOK_SECRET: option({
    about: 'signs the requests to `AUDIT_HEADS_WEBHOOK`; set both or neither',
    page: 'how-to/audit-log.md#keep-copies-elsewhere',
    allowed: `at least ${MIN_SECRET_LENGTH} characters, such as openssl rand -base64 32 prints`,
    secret: true,
    schema: z.string().min(MIN_SECRET_LENGTH, 'is too short'),
  }),
  TLS_CERT: option({
    about: 'the certificate file, if the server terminates TLS itself; also set `TLS_KEY`',
    unset: 'plain HTTP',
    page: 'how-to/operations.md#https-only',
    allowed: 'the path of a PEM file with the certificate, then its intermediate certificates',
    schema: path,
  }),
  TLS_KEY: option({
    about: "the file of the certificate's private key",
    page: 'how-to/operations.md#https-only',
    allowed: "the path of the certificate's private key in PEM, without a passphrase",
    schema: path,
  }),
  CORS_ORIGINS: option({
    about: 'the origins of web pages that may use the API',
    unset: 'none',
    page: 'how-to/operations.md#pages-of-other-origins',
    allowed:
      'origins separated by commas, such as https://app.example.com, http://[::1]:3000, chrome-extension://<id>, capacitor://localhost or app://, or * for any',
    schema: listOf((item) => {
      const parsed = parseOrigin(item);
      return 'fault' in parsed ? parsed.fault : null;
    }).transform((items) =>
      items.map((item) => parseOrigin(item)).flatMap((parsed) => ('origin' in parsed ? [parsed.origin] : [])),
    ),
  }),
  CORS_REQUEST_HEADERS: option({
    about: 'additional request header fields that pages of `CORS_ORIGINS` can send',
    unset: 'only the fields that the API reads',
    page: 'how-to/operations.md#pages-of-other-origins',
    allowed: 'names of header fields separated by commas, such as traceparent,X-Client-Version; at most 50',
    schema: parseFieldNames('request'),
  }),
  CORS_RESPONSE_HEADERS: option({
    about:
      'additional response header fields that pages of `CORS_ORIGINS` can read, for example fields that a proxy adds',
    unset: 'only the fields that the API sends',
    page: 'how-to/operations.md#pages-of-other-origins',
    allowed: 'names of header fields separated by commas, such as X-Served-By; at most 50',
    schema: parseFieldNames('response'),
  }),
  INTROSPECTION: option({
    about:
      'who can read the schema: everyone, callers with a valid key, each caller only the part that their scopes allow, or no one',
    default: 'authenticated',
    page: 'reference/guard.md#introspection',
    allowed: 'on, authenticated, scoped or off',
    schema: oneOf(['on', 'authenticated', 'scoped', 'off']),
  }),
  COST: option({
    about:
      'the use of `@cost` and `@listSize`: the limits in cost units of a tier apply, the cost is only reported, or they are not read',
    default: 'enforce',
    page: 'reference/cost.md',
    allowed: 'off, measure or enforce',
    schema: oneOf(['off', 'measure', 'enforce']),
  }),
  DASHBOARD: option({
    about: 'whether the dashboard is served at `/dashboard`',
    default: 'on',
    page: 'how-to/dashboard.md',
    allowed: 'on or off',
    schema: oneOf(['on', 'off']).transform((text) => text === 'on'),
  }),
  DEMO: option({
    about: 'whether the built-in domain of data assets and events is served; overrides `demo` of latchkey.yaml',
    default: 'on',
    page: 'how-to/configuration.md#without-the-built-in-domain',
    allowed: 'on or off',
    schema: oneOf(['on', 'off']).transform((text) => text === 'on'),
  }),
  GATEWAY_UPSTREAM: option({
    about: 'the GraphQL endpoint to which operations at `/graphql` are forwarded; with it, the server is a gateway',
    unset: 'the server is not a gateway',
    page: 'how-to/gateway.md',
    allowed: UPSTREAM,
    schema: z.string().refine(isUpstream, 'is not a valid address'),
  }),
  GATEWAY_SCHEMA: option({
    about: "the file with the upstream's schema, annotated with @auth and @public, or plain with a policy",
    unset: 'the upstream is asked for its schema',
    page: 'how-to/gateway.md',
    allowed: 'the path of a GraphQL schema file',
    schema: path,
  }),
  GATEWAY_POLICY: option({
    about: 'the policy file, which decides who may use each field',
    unset: 'the rules are in `GATEWAY_SCHEMA`',
    page: 'reference/gateway-policy.md',
    allowed: 'the path of a YAML file: see docs/reference/gateway-policy.md',
    schema: path,
  }),
  GATEWAY_ON_DENIED: option({
    about: 'the response to an operation with fields that its caller may not use',
    default: 'refuse',
    page: 'how-to/gateway.md',
    allowed: 'refuse (a refusal), or filter (the other fields, and null with an error for these)',
    schema: oneOf(['refuse', 'filter']),
  }),
  GATEWAY_TIMEOUT: option({
    about: 'the maximum time for a response of the upstream that is not a stream',
    default: '30000',
    page: 'how-to/gateway.md',
    allowed: 'a whole number of milliseconds from 100 to 600000',
    schema: wholeNumber(100, 600_000),
  }),
  GATEWAY_CONNECTIONS: option({
    about: 'the maximum number of connections of a process to the upstream, and so of operations at the same time',
    default: '1000',
    page: 'how-to/gateway.md',
    allowed: 'a whole number from 1 to 100000',
    schema: wholeNumber(1, 100_000),
  }),
  GATEWAY_MAX_UPLOAD_BYTES: option({
    about: 'the maximum size of a request with uploads (multipart/form-data)',
    default: '10485760',
    page: 'how-to/gateway.md',
    allowed: 'a whole number of bytes from 0 (uploads are refused) to 10000000000',
    schema: wholeNumber(0, 10_000_000_000),
  }),
  GATEWAY_UPLOAD_TIMEOUT: option({
    about: 'the maximum time for a request with uploads to arrive, if it progresses by 10 KiB in each 10 seconds',
    default: '300000',
    page: 'how-to/gateway.md',
    allowed: 'a whole number of milliseconds from 10000 to 3600000',
    schema: wholeNumber(10_000, 3_600_000),
  }),
  GATEWAY_AUTHORIZATION: option({
    about: "the gateway's own credential at the upstream: the value of the header Authorization of each request",
    unset: 'none is sent',
    page: 'how-to/gateway.md',
    allowed: 'a scheme and a credential of at most 8000 visible ASCII characters, such as Bearer and a token',
    secret: true,
    schema: z
      .string()
      .regex(/^[A-Za-z][\w-]{0,30} [\x21-\x7e]+$/, 'is not a scheme and a credential')
      .max(8_000, 'is too long'),
  }),
  GATEWAY_REQUEST_HEADERS: option({
    about: 'additional header fields of callers that reach the upstream; keys and cookies never do',
    unset: 'only fields that GraphQL servers read',
    page: 'how-to/gateway.md',
    allowed: 'names of header fields separated by commas, without credentials and fields of the connection',
    schema: listOf((item) => faultOfField(item, 'request')),
  }),
  GATEWAY_RESPONSE_HEADERS: option({
    about: "additional header fields of the upstream's responses that reach callers",
    unset: 'only fields that describe the response',
    page: 'how-to/gateway.md',
    allowed: 'names of header fields separated by commas, without cookies and fields of the connection',
    schema: listOf((item) => faultOfField(item, 'response')),
  }),
  GATEWAY_WEBSOCKETS: option({
    about: 'the address to which operations over WebSockets (graphql-transport-ws) are forwarded',
    unset: '`GATEWAY_UPSTREAM`, with ws:// or wss://',
    page: 'how-to/gateway.md',
    allowed: `off, or ${WS_UPSTREAM}`,
    schema: z.string().refine((text) => text === 'off' || isWsUpstream(text), 'is neither'),
  }),
  GATEWAY_CHECK_INTERVAL: option({
    about: "how often the upstream's schema is compared with the gateway's",
    default: '60',
    page: 'how-to/gateway.md',
    allowed: 'a whole number of seconds from 0 (never) to 86400',
    schema: wholeNumber(0, 86_400),
  }),
  GATEWAY_AUDIENCE: option({
    about: 'the `aud` claim of `Latchkey-Principal`',
    unset: '`GATEWAY_UPSTREAM`',
    page: 'how-to/gateway.md',
    allowed: '1 to 500 visible ASCII characters',
    schema: z.string().regex(/^[\x21-\x7e]{1,500}$/, 'has other characters'),
  }),
  METRICS_PORT: option({
    about: 'the port that serves Prometheus metrics without a key',
    unset: 'at `/metrics`, for keys with the scope `platform`',
    page: 'how-to/operations.md#what-to-monitor',
    allowed: 'a whole number from 0 to 65535 other than PORT, where 0 picks a free port',
    schema: wholeNumber(0, 65_535),
  }),
  METRICS_HOST: option({ about: 'the host name or address of `METRICS_PORT`', unset: '`HOST`', ...HOST_RULE }),
  CONFIG_WATCH: option({
    about:
      'whether changes to the configuration file, its secret files, the certificate, and the rules of a gateway are applied automatically',
    default: 'on',
    page: 'how-to/configuration.md#reloading',
    allowed: 'on, or off to reload on SIGHUP only',
    schema: oneOf(['on', 'off']).transform((text) => text === 'on'),
  }),
  LOG_LEVEL: option({
    about: 'the minimum level of log messages, which are written to standard error',
    default: 'info',
    allowed: `one of ${LOG_LEVELS.join(', ')}`,
    schema: oneOf(LOG_LEVELS),
  }),
  WORKERS: option({
    about: 'the number of processes that serve on one port; `--workers` overrides it',
    unset: 'one process',
    page: 'how-to/operations.md#several-workers',
    allowed: `a whole number from 1 to ${MAX_WORKERS}, or auto for one worker for each core`,
    schema: z
      .string()
      .transform((text) => (text === 'auto' ? String(Math.min(availableParallelism(), MAX_WORKERS)) : text))
      .pipe(wholeNumber(1, MAX_WORKERS, 'is neither a whole number nor auto')),
  }),
} satisfies Record<string, Option<unknown>>;

export type OptionName = keyof typeof OPTIONS;
export type ValueOf<Name extends OptionName> = z.output<(typeof OPTIONS)[Name]['schema']>;

/** The names of settings that can also be read from a file. */
export const SECRET_OPTIONS = (Object.keys(OPTIONS) as OptionName[]).filter(
  (name) => (OPTIONS[name] as Option<unknown>).secret === true,
);
