import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCommandLineKey } from '../../../src/server/settings/commandLine.js';
import { OPTIONS, SECRET_OPTIONS, type Option } from '../../../src/server/settings/options.js';
import { readSettings, rereadConfiguration } from '../../../src/server/settings/settings.js';

const SECRET = 'a-secret-of-tests-0123456789-0123456789';
const dir = mkdtempSync(join(tmpdir(), 'latchkey-secret-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let count = 0;
function file(content: string | Buffer): string {
  const path = join(dir, `secret-${(count += 1)}`);
  writeFileSync(path, content);
  return path;
}
function faultOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('It was accepted.');
}

const VALUES = {
  MONGODB_URI: 'mongodb://user:hunter2@db.example/latchkey',
  REDIS_URL: 'redis://user:hunter2@cache.example',
  ADMIN_API_KEY: SECRET,
  KEY_PEPPER: `${SECRET},${SECRET}-older`,
  AUDIT_HEADS_WEBHOOK: 'https://heads.example/?token=hunter2',
  AUDIT_HEADS_WEBHOOK_SECRET: SECRET,
  GATEWAY_AUTHORIZATION: `Bearer ${SECRET}`,
} as const;

/** Other settings that a setting requires. */
const BESIDE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  AUDIT_HEADS_WEBHOOK: { AUDIT_HEADS_WEBHOOK_SECRET: SECRET },
  GATEWAY_AUTHORIZATION: { GATEWAY_UPSTREAM: 'http://127.0.0.1:8000/graphql', GATEWAY_POLICY: 'policy.yaml' },
  AUDIT_HEADS_WEBHOOK_SECRET: { AUDIT_HEADS_WEBHOOK: VALUES.AUDIT_HEADS_WEBHOOK },
};

describe('*_FILE of a secret setting', () => {
  it('exists for every setting that is marked as secret', () => {
    expect([...SECRET_OPTIONS].sort()).toEqual(Object.keys(VALUES).sort());
    expect(SECRET_OPTIONS.every((name) => (OPTIONS[name] as Option<unknown>).secret)).toBe(true);
  });

  describe.each(Object.entries(VALUES))('%s_FILE', (name, value) => {
    it.each(['', '\n', '\r\n', '\n\n'])(
      'has the same effect as the variable, with %j at the end of the file',
      (end) => {
        const { operator, ...other } = readSettings({ ...BESIDE[name], [`${name}_FILE`]: file(`${value}${end}`) });
        const { operator: expected, ...rest } = readSettings({ ...BESIDE[name], [name]: value });
        expect(other).toEqual(rest);
        expect(operator === null).toBe(expected === null);
        if (operator !== null)
          expect([operator.matches(SECRET), operator.matches(`${SECRET}\n`)]).toEqual([true, false]);
      },
    );

    it('is refused if the variable is also set', () => {
      expect(faultOf(() => readSettings({ [name]: value, [`${name}_FILE`]: file(value) }))).toBe(
        `${name} and ${name}_FILE are both set. Unset one of them.`,
      );
    });

    it.each([
      ['missing', () => join(dir, 'absent'), /no file/],
      ['empty', () => file(''), /is empty/],
      ['blank', () => file(' \n'), /is empty/],
      ['too large', () => file('x'.repeat(65_537)), /more than 65536 bytes/],
      ['not UTF-8', () => file(Buffer.from([0xff, 0xfe, 0xfd])), /UTF-/],
      ['a directory', () => (mkdirSync(join(dir, `d-${name}`)), join(dir, `d-${name}`)), /directory/],
      ['an endless device', () => '/dev/zero', /regular file/],
      ['an unset path', () => '', /is empty/],
    ])('names the setting and the file in the error if the file is %s', (_, make, what) => {
      const path = make();
      const message = faultOf(() => readSettings({ [`${name}_FILE`]: path }));
      expect(message.startsWith(`${name}_FILE is `)).toBe(true);
      expect(message).toContain(path);
      expect(message).toMatch(what);
      expect(message).not.toMatch(/[\n\r]/);
    });
  });

  it('does not wait for a pipe without a writer', () => {
    const pipe = join(dir, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(faultOf(() => readSettings({ ADMIN_API_KEY_FILE: pipe }))).toMatch(/regular file/);
  });

  it('names the file of an invalid value, but not the value', () => {
    const path = file('hunter2');
    for (const name of SECRET_OPTIONS) {
      const message = faultOf(() => readSettings({ [`${name}_FILE`]: path }));
      expect(message.startsWith(`${name}_FILE is ${JSON.stringify(path)}, whose content `)).toBe(true);
      expect(message).not.toContain('hunter2');
    }
  });

  it('warns about quotes in the file', () => {
    const { warnings } = readSettings({ ADMIN_API_KEY_FILE: file(`"${SECRET}"`) });
    expect(warnings).toEqual([expect.stringMatching(/^ADMIN_API_KEY has quotes/)]);
  });

  it('is also read for ${NAME} in latchkey.yaml, again at each reload', () => {
    const path = file(`${SECRET}\n`);
    const config = file('auth: { api_keys: { keys: [{ key: "${ANALYST}", name: analyst, roles: [viewer] }] } }');
    const environment = { LATCHKEY_CONFIG: config, ANALYST_FILE: path };
    const settings = readSettings(environment);
    expect(settings.configuration.secretFiles).toEqual([path]);
    expect(settings.configuration.keys.map((key) => key.id)).toHaveLength(1);
    expect(settings.configuration.warnings).toEqual([]);
    const before = settings.configuration.keys[0];
    expect(rereadConfiguration(settings, environment).keys[0]?.hasKeyOf(before as never)).toBe(true);
    writeFileSync(path, `${SECRET}-next\n`);
    expect(rereadConfiguration(settings, environment).keys[0]?.hasKeyOf(before as never)).toBe(false);
    const both = faultOf(() => readSettings({ ...environment, ANALYST: SECRET }));
    expect(both).toContain(
      'auth.api_keys.keys[0].key names the variable ANALYST: ANALYST and ANALYST_FILE are both set',
    );
    rmSync(path);
    expect(faultOf(() => rereadConfiguration(settings, environment))).toContain(`ANALYST_FILE is "${path}"`);
  });

  it('is read by the command line, which treats empty variables as unset', () => {
    const path = file('lks_live_example\n');
    expect(readCommandLineKey({ LATCHKEY_API_KEY_FILE: path, LATCHKEY_API_KEY: '' })).toBe('lks_live_example');
    expect(readCommandLineKey({ LATCHKEY_API_KEY: ' lks_live_other ', LATCHKEY_API_KEY_FILE: '' })).toBe(
      'lks_live_other',
    );
    expect(readCommandLineKey({})).toBeNull();
    expect(faultOf(() => readCommandLineKey({ LATCHKEY_API_KEY_FILE: path, LATCHKEY_API_KEY: 'x' }))).toMatch(/both/);
  });
});
