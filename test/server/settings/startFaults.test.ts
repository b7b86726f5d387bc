import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listening } from '../../../src/server/net/listenFault.js';
import { OPTIONS } from '../../../src/server/settings/options.js';
import { isBuilt } from '../../support/built.js';
import { selfSigned } from '../../support/certificate.js';
import { LOADER } from '../../support/child.js';
import { freePort } from '../../support/freePort.js';
import { run, type Ran } from '../../support/run.js';

/** A timeout in milliseconds, long enough for a slow machine. */
const TIMEOUT = 60_000;

const dir = mkdtempSync(join(tmpdir(), 'latchkey-start-'));
const at = (name: string): string => join(dir, name);
/** A server that accepts connections and never responds. */
let silent: Server;
/** A port that is in use, and a port without a listener. */
let busy: number;
let free: number;

beforeAll(async () => {
  // It reads, so that a connection ends with its client.
  silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  busy = (silent.address() as AddressInfo).port;
  free = await freePort();
  const [own, other] = [selfSigned(), selfSigned()];
  const files = {
    file: '',
    empty: '',
    text: 'hello',
    'cert.pem': own.cert,
    'key.pem': own.key,
    'other.pem': other.key,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(at(name), text);
  writeFileSync(at('nul.yaml'), 'a\0b');
  writeFileSync(at('secret'), 'unreadable');
  chmodSync(at('secret'), 0);
  for (const name of ['directory', 'closed', 'no-database', 'strange']) mkdirSync(at(name));
  mkdirSync(join(at('no-database'), 'latchkey.db'));
  writeFileSync(join(at('strange'), 'latchkey.db'), 'This is not a database. '.repeat(100));
  mkdirSync(join(at('directory'), 'pepper'));
  chmodSync(at('closed'), 0o500);
  symlinkSync(at('nowhere'), at('dangling'));
  symlinkSync(at('loop'), at('loop'));
  execFileSync('mkfifo', [at('pipe')]);
});
afterAll(() => {
  silent.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Whether file permissions apply. Root can read and write everything, unless it has no capabilities. */
const ORDINARY =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all'] : [];

const programs = {
  start: ['main'],
  workers: ['main', '--workers', '2'],
  serve: ['cli/main', 'serve'],
  seed: ['seed'],
  import: ['cli/main', 'import', '/dev/null', '--from', 'better-auth'],
} as const;

/** The sources of the programs, to be run if dist/ is older. */
const SOURCES = { main: 'src/server/main.ts', 'cli/main': 'src/cli/main.ts', seed: 'src/server/seed.ts' } as const;

let started = 0;

/** The environment of each start, unless its case overrides it. */
const defaults = (): Record<string, string> => ({
  PORT: '0',
  DATA_DIR: at(`data-${(started += 1)}`),
  LOG_LEVEL: 'silent',
  BCRYPT_COST: '4',
});

async function runNode(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const [command = '', ...rest] = [...ORDINARY, process.execPath, ...args];
  return run(command, rest, { env, timeout: TIMEOUT });
}

async function start(env: Readonly<Record<string, string>>, program: keyof typeof programs = 'start'): Promise<Ran> {
  const [file, ...args] = programs[program];
  const node = isBuilt ? [`dist/${file}.js`] : ['--import', LOADER, SOURCES[file]];
  return runNode([...node, ...args], { ...defaults(), ...env });
}

type Row = readonly [setting: string, what: string, env: () => Record<string, string>, message: string | RegExp];

/** The message that a row expects, after the sentence that the server did not start. */
const failed = (text: string): RegExp => new RegExp(`^(The server did not start\\. )?${text}\\n$`);
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const is = (name: string, path: string, rest: string): string => escaped(`${name} is "${path}", which ${rest}`);
const one = (setting: string, what: string, value: () => string, message: string | RegExp): Row => [
  setting,
  what,
  () => ({ [setting]: value() }),
  message,
];
const paths = (names: readonly string[], rows: (name: string) => readonly Row[]): Row[] => names.flatMap(rows);

/** The first port that needs no permission. On some machines no port needs one. */
const privileged = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
const [cert, key] = [at('cert.pem'), at('key.pem')];

const rows: readonly Row[] = [
  one(
    'PORT',
    'a port in use',
    () => String(busy),
    /^PORT is \d+, which is in use\. Stop the process that uses it, or set PORT /,
  ),
  one('PORT', 'a word', () => 'http', 'PORT is "http", which is not a whole number'),
  one(
    'HOST',
    'a name that is not found',
    () => 'nohost.invalid',
    'HOST is "nohost.invalid", a host name that is not found. Set it to',
  ),
  one(
    'HOST',
    'an address of another machine',
    () => '203.0.113.1',
    'HOST is "203.0.113.1", which is not an address of this machine.',
  ),
  one(
    'HOST',
    'an address with a port',
    () => '127.0.0.1:4000',
    'HOST is "127.0.0.1:4000", which is not a host name or address',
  ),
  one('HOST', 'a URL', () => 'http://127.0.0.1', 'HOST is "http://127.0.0.1", which is not a host name or address'),
  one('HOST', 'an address in brackets', () => '[::1]', 'HOST is "[::1]", which is not a host name or address'),
  one('METRICS_PORT', 'a port in use', () => String(busy), /^METRICS_PORT is \d+, which is in use\./),
  [
    'METRICS_HOST',
    'a name that is not found',
    () => ({ METRICS_PORT: '0', METRICS_HOST: 'nohost.invalid' }),
    'METRICS_HOST is "nohost.invalid", a host name that is not found.',
  ],
  one('PUBLIC_URL', 'a name', () => 'example.com', 'PUBLIC_URL is "example.com", which is not'),
  one(
    'DATA_DIR',
    'a file',
    () => at('file'),
    is('DATA_DIR', at('file'), 'is a file, not a directory. Give the path of a directory.'),
  ),
  one(
    'DATA_DIR',
    'a path through a file',
    () => `${at('file')}/x`,
    is('DATA_DIR', `${at('file')}/x`, 'leads through a file.'),
  ),
  one(
    'DATA_DIR',
    'a directory under /proc',
    () => '/proc/x',
    is('DATA_DIR', '/proc/x', 'does not exist and cannot be created there. Create'),
  ),
  one(
    'DATA_DIR',
    'directories under /proc',
    () => '/proc/self/x/y',
    is('DATA_DIR', '/proc/self/x/y', 'does not exist and cannot'),
  ),
  one(
    'DATA_DIR',
    'a directory that may not be written',
    () => at('closed'),
    is('DATA_DIR', at('closed'), 'cannot be written: permission denied. Let'),
  ),
  one(
    'DATA_DIR',
    'a directory in it',
    () => `${at('closed')}/x`,
    is('DATA_DIR', `${at('closed')}/x`, 'cannot be written: permission denied.'),
  ),
  one(
    'DATA_DIR',
    'a link to nothing',
    () => at('dangling'),
    is('DATA_DIR', at('dangling'), 'is a symbolic link to a directory that does not exist.'),
  ),
  one(
    'DATA_DIR',
    'a link to itself',
    () => at('loop'),
    is('DATA_DIR', at('loop'), 'is a symbolic link that leads back to itself.'),
  ),
  one(
    'DATA_DIR',
    'a name that is too long',
    () => at('x'.repeat(300)),
    /^DATA_DIR is ".*", which is too long\. Give a shorter path\./,
  ),
  one(
    'DATA_DIR',
    'a directory whose database is a directory',
    () => at('no-database'),
    is('DATA_DIR', at('no-database'), 'contains a latchkey.db that is not a file. Remove it'),
  ),
  one(
    'DATA_DIR',
    'a directory with another file',
    () => at('strange'),
    is('DATA_DIR', at('strange'), 'contains a database that cannot be used: file is not a database. Restore'),
  ),
  one(
    'DATA_DIR',
    'a directory whose pepper is a directory',
    () => at('directory'),
    /^DATA_DIR contains the pepper \S+\/directory\/pepper, which is a directory\. Restore/,
  ),
  one(
    'MONGODB_URI',
    'a port where nobody listens',
    () => `mongodb://u:hunter2@127.0.0.1:${free}/`,
    /^MONGODB_URI names 127\.0\.0\.1:\d+, which refuses connections \(ECONNREFUSED\)\. Start MongoDB/,
  ),
  one(
    'MONGODB_URI',
    'a name that is not found',
    () => 'mongodb://u:hunter2@nohost.invalid/',
    'MONGODB_URI names nohost.invalid, which has a host name that',
  ),
  one(
    'MONGODB_URI',
    'a service that is not found',
    () => 'mongodb+srv://u:hunter2@nohost.invalid/',
    'MONGODB_URI names nohost.invalid, which has a host name that',
  ),
  one(
    'MONGODB_URI',
    'a server that says nothing',
    () => `mongodb://u:hunter2@127.0.0.1:${busy}/`,
    /^MONGODB_URI names 127\.0\.0\.1:\d+, which did not answer in time\./,
  ),
  one(
    'MONGODB_URI',
    'an option that is not known',
    () => 'mongodb://u:hunter2@127.0.0.1/?retryWrite=1',
    'MONGODB_URI is not valid: option retrywrite is not supported. Correct it.',
  ),
  one(
    'MONGODB_URI',
    'a port that is none',
    () => 'mongodb://u:hunter2@127.0.0.1:99999/',
    'MONGODB_URI is not valid: Unable to parse 127.0.0.1:99999',
  ),
  one(
    'MONGODB_URI',
    'a password that is not escaped',
    () => 'mongodb://u:hunter2@x@127.0.0.1/',
    /^MONGODB_URI is not valid.*\. Correct it\./,
  ),
  one(
    'MONGODB_URI',
    'a file of certificates that is missing',
    () => 'mongodb://127.0.0.1/?tls=true&tlsCAFile=/nope.pem',
    'MONGODB_URI names a certificate file that does not exist.',
  ),
  one(
    'MONGODB_URI',
    'another scheme',
    () => 'http://u:hunter2@127.0.0.1/',
    'MONGODB_URI is not a MongoDB connection string',
  ),
  one(
    'REDIS_URL',
    'a port where nobody listens',
    () => `redis://u:hunter2@127.0.0.1:${free}`,
    /^REDIS_URL names 127\.0\.0\.1:\d+, which refuses connections \(ECONNREFUSED\)\. Start Redis/,
  ),
  one(
    'REDIS_URL',
    'a name that is not found',
    () => 'redis://u:hunter2@nohost.invalid',
    'REDIS_URL names nohost.invalid:6379, which has a host name that',
  ),
  one(
    'REDIS_URL',
    'a server that says nothing',
    () => `redis://u:hunter2@127.0.0.1:${busy}`,
    /^REDIS_URL names 127\.0\.0\.1:\d+, which does not answer\. Start Redis/,
  ),
  one(
    'REDIS_URL',
    'another scheme',
    () => 'http://u:hunter2@127.0.0.1',
    'REDIS_URL is not the address of a Redis server',
  ),
  one(
    'LATCHKEY_CONFIG',
    'a file that is missing',
    () => at('missing'),
    is('LATCHKEY_CONFIG', at('missing'), 'does not exist. Correct the path, or unset LATCHKEY_CONFIG.'),
  ),
  one(
    'LATCHKEY_CONFIG',
    'an empty file',
    () => at('empty'),
    is('LATCHKEY_CONFIG', at('empty'), 'is empty. Write the configuration into it, or unset'),
  ),
  one(
    'LATCHKEY_CONFIG',
    'a file that is not text',
    () => at('nul.yaml'),
    is('LATCHKEY_CONFIG', at('nul.yaml'), 'is not a text in UTF-8'),
  ),
  ...paths(['LATCHKEY_CONFIG', 'ADMIN_API_KEY_FILE', 'KEY_PEPPER_FILE'], (name) => [
    one(name, 'a directory', () => at('directory'), is(name, at('directory'), 'is a directory. Allowed: a ')),
    one(
      name,
      'a file that may not be read',
      () => at('secret'),
      is(name, at('secret'), 'cannot be read: permission denied. Let this process read it.'),
    ),
    one(name, 'a pipe', () => at('pipe'), is(name, at('pipe'), 'is not a regular file.')),
  ]),
  one(
    'ADMIN_API_KEY_FILE',
    'a file that is missing',
    () => at('missing'),
    `ADMIN_API_KEY_FILE is "${at('missing')}", where there is no file.`,
  ),
  one('KEY_PEPPER_FILE', 'an empty file', () => at('empty'), is('KEY_PEPPER_FILE', at('empty'), 'is empty.')),
  one(
    'AUDIT_HEADS_FILE',
    'a directory that is missing',
    () => at('missing/heads'),
    is('AUDIT_HEADS_FILE', at('missing/heads'), 'does not exist and cannot be created there. Create'),
  ),
  one(
    'AUDIT_HEADS_FILE',
    'a directory',
    () => at('directory'),
    is('AUDIT_HEADS_FILE', at('directory'), 'is a directory. Give the path of a file.'),
  ),
  one(
    'AUDIT_HEADS_FILE',
    'a directory that may not be written',
    () => at('closed/heads'),
    is('AUDIT_HEADS_FILE', at('closed/heads'), 'cannot be written: permission denied.'),
  ),
  one('AUDIT_HEADS_FILE', 'a pipe', () => at('pipe'), is('AUDIT_HEADS_FILE', at('pipe'), 'is not a regular file.')),
  [
    'AUDIT_HEADS_WEBHOOK',
    'another scheme',
    () => ({ AUDIT_HEADS_WEBHOOK: 'ftp://u:hunter2@x', AUDIT_HEADS_WEBHOOK_SECRET: 'x'.repeat(32) }),
    'AUDIT_HEADS_WEBHOOK is not',
  ],
  [
    'TLS_CERT',
    'a file that is missing',
    () => ({ TLS_CERT: at('missing'), TLS_KEY: key }),
    `TLS_CERT: ${at('missing')} does not exist. Give`,
  ],
  [
    'TLS_CERT',
    'a directory',
    () => ({ TLS_CERT: at('directory'), TLS_KEY: key }),
    `TLS_CERT: ${at('directory')} is a directory. Give`,
  ],
  [
    'TLS_CERT',
    'a file that is not PEM',
    () => ({ TLS_CERT: at('text'), TLS_KEY: key }),
    `TLS_CERT: ${at('text')} has no certificate. Use`,
  ],
  ['TLS_CERT', 'the key', () => ({ TLS_CERT: key, TLS_KEY: cert }), `TLS_CERT: ${key} has no certificate. Use`],
  [
    'TLS_KEY',
    'a file that may not be read',
    () => ({ TLS_CERT: cert, TLS_KEY: at('secret') }),
    `TLS_KEY: ${at('secret')} cannot be read: permission denied. Give`,
  ],
  [
    'TLS_KEY',
    'a file that is not PEM',
    () => ({ TLS_CERT: cert, TLS_KEY: at('text') }),
    `TLS_KEY: ${at('text')} has no readable private key`,
  ],
  [
    'TLS_KEY',
    'that of another certificate',
    () => ({ TLS_CERT: cert, TLS_KEY: at('other.pem') }),
    `TLS_KEY: ${at('other.pem')} is not the key of the certificate`,
  ],
  ...paths(['HTTP_PROXY', 'HTTPS_PROXY'], (name) => [
    one(
      name,
      'another scheme',
      () => 'ftp://u:hunter2@x',
      `${name} has a scheme that is not supported. Allowed: http:// (the default) or https://`,
    ),
    one(name, 'quotes', () => '"http://u:hunter2@127.0.0.1:1"', `${name} has quotes around its value; remove them.`),
  ]),
  one('OTEL_EXPORTER_OTLP_ENDPOINT', 'a name', () => 'collector', 'OTEL_EXPORTER_OTLP_ENDPOINT is not the address'),
  ...paths(
    [
      'DATA_DIR',
      'LATCHKEY_CONFIG',
      'AUDIT_HEADS_FILE',
      'HOST',
      'PORT',
      'MONGODB_URI',
      'REDIS_URL',
      'PUBLIC_URL',
      'CORS_ORIGINS',
    ],
    (name) => [one(name, 'quotes', () => `"${GOOD[name]}"`, `${name} has quotes around its value; remove them.`)],
  ),
  one('DATA_DIR', 'other quotes', () => `'${at('data')}'`, 'DATA_DIR has quotes around its value; remove them.'),
  one('DATA_DIR', 'blanks around it', () => ` ${at('data')}`, 'DATA_DIR has blanks around its value; remove them.'),
  one(
    'DATA_DIR',
    'the end of a line of Windows',
    () => `${at('data')}\r`,
    'DATA_DIR has blanks around its value; remove them.',
  ),
  [
    'TLS_CERT',
    'quotes',
    () => ({ TLS_CERT: `"${cert}"`, TLS_KEY: key }),
    'TLS_CERT has quotes around its value; remove them.',
  ],
  [
    'TLS_KEY',
    'quotes',
    () => ({ TLS_CERT: cert, TLS_KEY: `"${key}"` }),
    'TLS_KEY has quotes around its value; remove them.',
  ],
  one(
    'KEY_PEPPER_FILE',
    'quotes',
    () => `"${at('text')}"`,
    'KEY_PEPPER_FILE has quotes around its value. Remove them.',
  ),
];

const GOOD: Readonly<Record<string, string>> = {
  DATA_DIR: './data',
  LATCHKEY_CONFIG: './latchkey.yaml',
  AUDIT_HEADS_FILE: './heads',
  HOST: '127.0.0.1',
  PORT: '4000',
  MONGODB_URI: 'mongodb://127.0.0.1/',
  REDIS_URL: 'redis://127.0.0.1',
  PUBLIC_URL: 'https://api.example.com',
  CORS_ORIGINS: 'https://app.example.com',
};

const pattern = (message: string | RegExp): RegExp =>
  typeof message === 'string' ? new RegExp(`^${message.includes('\\') ? message : escaped(message)}`) : message;

/** The messages of all rows, from starts in one process. */
const messages: (string | null)[] = [];
beforeAll(async () => {
  const environments = rows.map(([, , env]) => ({ ...defaults(), ...env() }));
  writeFileSync(at('environments'), JSON.stringify(environments));
  const { status, stderr } = await runNode([
    ...['--import', LOADER, 'test/server/settings/starts.ts'],
    ...[at('environments'), at('messages')],
  ]);
  expect([status, stderr]).toEqual([0, '']);
  messages.push(...(JSON.parse(readFileSync(at('messages'), 'utf8')) as typeof messages));
});

function assertOneLine(text: string, message: string | RegExp): void {
  expect(text.replace(/^The server did not start\. /, '')).toMatch(pattern(message));
  expect(text).toMatch(/^[^\n]+\.\n$/);
  expect(text).not.toMatch(/hunter2|node:|\bat \S+:\d+|errno|syscall/);
}

test.each(rows.map((row, index) => [...row, index] as const))(
  'N17: %s with %s makes the start fail with one line',
  (_, __, ___, message, index) => assertOneLine(`${messages[index]}\n`, message),
);

/** A setting for each step of a start. All faults of a step end the program in the same way, so one of each is enough. */
const STEPS = [
  'PUBLIC_URL', // reading the settings
  'DATA_DIR',
  'MONGODB_URI',
  'REDIS_URL',
  'AUDIT_HEADS_FILE',
  'TLS_CERT',
  'METRICS_PORT',
  'PORT',
];
const firsts = STEPS.map((name) => {
  const row = rows.find(([setting]) => setting === name);
  if (row === undefined) throw new Error(`There is no row of ${name}.`);
  return row;
});

test.each(firsts)('N17: %s with %s ends the program with that line and status 1', async (_, __, env, message) => {
  const { status, stdout, stderr } = await start(env());
  assertOneLine(stderr, message);
  expect(status).toBe(1);
  // The output contains the first key, if one was created, and nothing else.
  expect(stdout).toMatch(/^(Workspace: default\nAdmin key: \S+\nStore it now: [^\n]+\n)?$/);
});

const SETTINGS_OF_PLACES = /(?:_DIR|_FILE|_URI|_URL|HOST|PORT|_CERT|TLS_KEY|_CONFIG|_WEBHOOK)$/;

test('N17: the table has every setting for a file, a directory, a host, a port or a URL', () => {
  const named = Object.keys(OPTIONS).filter((name) => SETTINGS_OF_PLACES.test(name));
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !rows.some(([setting]) => setting === name))).toEqual([]);
});

const shared: readonly [
  setting: string,
  env: () => Record<string, string>,
  message: string,
  isWrongByItself: boolean,
][] = [
  ['DATA_DIR', () => ({ DATA_DIR: at('file') }), 'is a file, not a directory.', false],
  ['DATA_DIR', () => ({ DATA_DIR: '"data"' }), 'has quotes around its value;', true],
  ['MONGODB_URI', () => ({ MONGODB_URI: `mongodb://127.0.0.1:${free}/` }), 'which refuses connections', false],
];

test.each(shared)('N17: %s (%#) ends every program in the same way', async (setting, env, message, isWrongByItself) => {
  // In parallel, because each waits for the same server.
  const ended = (['workers', 'serve', 'seed', 'import'] as const).map(async (program) => {
    const { status, stderr } = await start(env(), program);
    expect([program, stderr]).toEqual([program, expect.stringMatching(new RegExp(`^[^\\n]*${setting}[^\\n]*\\n$`))]);
    expect(stderr).toContain(message);
    const isCommandLine = program === 'serve' || program === 'import';
    expect([program, status]).toEqual([program, isCommandLine && isWrongByItself ? 2 : 1]);
  });
  await Promise.all(ended);
});

test.each([
  ['PORT', { PORT: () => busy }],
  ['HOST', { HOST: () => 'nohost.invalid' }],
  ['METRICS_PORT', { METRICS_PORT: () => busy }],
])('N17: %s also ends a start with workers', async (setting, env) => {
  const given = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value())]));
  const { status, stderr } = await start(given, 'workers');
  expect(stderr).toMatch(failed(`${setting} is [^\\n]+`));
  expect(status).toBe(1);
});

const address = { port: 80, host: '127.0.0.1', portName: 'PORT', hostName: 'HOST' };
const systemError = (code: string, syscall = 'listen') =>
  Object.assign(new Error(`${syscall} ${code}`), { code, syscall });

test('N17: refuses a port that needs a permission, and says what to do', async () => {
  const refused = /^PORT is 80, on which this process may not listen\. Set PORT to 1024 or higher, or give the process/;
  await expect(listening(address, Promise.reject(systemError('EACCES')))).rejects.toThrow(refused);
  // On other machines, every process may listen on every port.
  if (privileged <= 80 || ORDINARY.length === 0) return;
  expect((await start({ PORT: '80' })).stderr).toMatch(
    failed('PORT is 80, on which this process may not listen\\. [^\\n]+'),
  );
});

test('N17: other errors of listening name the host or the port, and a passed listener is used', async () => {
  for (const code of ['EAI_AGAIN', 'EAI_FAIL', 'EINVAL']) {
    await expect(listening(address, Promise.reject(systemError(code, 'getaddrinfo')))).rejects.toThrow(
      /^HOST is .* not found\./,
    );
  }
  await expect(listening(address, Promise.reject(systemError('EAFNOSUPPORT')))).rejects.toThrow(
    /^HOST is .* not an address/,
  );
  expect(await listening(address, Promise.resolve('http://127.0.0.1:80'))).toBe('http://127.0.0.1:80');
});

test('seed refuses to run without the built-in domain, and creates no store', async () => {
  const { status, stderr } = await start({ DEMO: 'off', DATA_DIR: at('unseeded') }, 'seed');
  expect([status, stderr]).toEqual([1, 'DEMO is off, so there is nothing to seed. Turn it on, and try again.\n']);
  expect(existsSync(at('unseeded'))).toBe(false);
});
