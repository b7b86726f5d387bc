import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintToken } from '../../src/core/keys/token.js';
import { answering } from './answering.js';
import { latchkey } from './latchkey.js';
import { CommandHost, latchkeyInOneProcess } from './oneProcess.js';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-host-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('a command in the common process', () => {
  const { token } = mintToken('lks', 'LIVE');

  it.each<[string, readonly string[], string]>([
    ['that prints its version', ['--version'], ''],
    ['that is unknown', ['nothing'], ''],
    ['that finds a token on standard input', ['scan', '-'], `KEY=${token}\n`],
    ['that finds no file', ['scan', 'gone'], ''],
    ['whose response is not valid', ['whoami', '--json'], ''],
    ['without a key', ['whoami', '--key-stdin'], ''],
  ])('%s has the result of a program', async (_, args, input) => {
    const server = await answering(() => ({}));
    const options = { env: { LATCHKEY_URL: server.url, LATCHKEY_API_KEY: 'key_of_a_test' }, input, cwd: dir };
    const own = await latchkey(args, options);
    expect(await latchkeyInOneProcess(args, options)).toEqual(own);
    // The first command leaves no trace.
    expect(await latchkeyInOneProcess(args, options)).toEqual(own);
    server.close();
  });

  const runs = (name: string, source: string, times: number) => {
    const path = join(dir, `${name}.mjs`);
    writeFileSync(path, source);
    const host = new CommandHost(path, 100);
    const command = { args: [], env: { NAME: name }, input: '', cwd: dir };
    return Promise.all(Array.from({ length: times }, () => host.run(command))).finally(() => host.close());
  };

  it('has no status if it would not end', async () => {
    const source = `import { createServer } from 'node:net'; process.stdout.write('opened'); createServer().listen(0);`;
    expect(await runs('open', source, 1)).toEqual([
      { status: null, stdout: 'opened', stderr: 'It keeps open: TCPServerWrap\n' },
    ]);
  });

  it('that throws ends with its error, and the next one runs', async () => {
    const thrown = { status: 1, stdout: '', stderr: expect.stringContaining('of throws') };
    expect(await runs('throws', 'setTimeout(() => { throw new Error(`of ${process.env.NAME}`); }, 1)', 2)).toEqual([
      thrown,
      thrown,
    ]);
  });

  it('can’t end the process that it shares', async () => {
    const [ran] = await runs('exits', 'process.exit(0)', 1);
    expect(ran).toEqual({ status: 1, stdout: '', stderr: expect.stringContaining('Run it in one of its own.') });
  });
});
