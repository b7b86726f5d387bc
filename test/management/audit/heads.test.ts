import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadCopies } from '../../../src/management/audit/heads/copies.js';
import { HeadsFile } from '../../../src/management/audit/heads/headsFile.js';
import { lineOf, parseLine } from '../../../src/management/audit/heads/headLine.js';
import { HeadsWebhook } from '../../../src/management/audit/heads/webhook.js';
import type { AuditEntry, AuditHead } from '../../../src/core/store/audit.js';
import type { Store } from '../../../src/core/store/store.js';
import fc from 'fast-check';
import { openStoreHere } from '../../support/storeHere.js';

const AT = Date.UTC(2026, 10, 1);
const SECRET = 'a-secret-of-tests-0123456789-0123456789';

let dir: string;
let path: string;
let store: Store;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-heads-'));
  path = join(dir, 'heads.jsonl');
  store = await openStoreHere(dir);
  for (const id of ['one', 'two']) {
    await store.workspaces.ensure({ id, name: id, tier: 'GROWTH', createdAt: 1 });
  }
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

/** Adds an entry to the log of a workspace. */
async function change(id: string): Promise<AuditHead | null> {
  const { tier } = (await store.workspaces.find(id)) ?? {};
  await store.workspaces.setTier(id, tier === 'GROWTH' ? 'STARTER' : 'GROWTH', 2);
  return store.audit.head(id);
}

const lines = (file = path) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

interface Harness {
  readonly copies: HeadCopies;
  readonly complaints: string[];
  readonly warnings: string[];
}

async function copying(
  audit: Pick<Store['audit'], 'heads' | 'read' | 'base'> = store.audit,
  { file = new HeadsFile(path), webhook = null }: { file?: HeadsFile | null; webhook?: HeadsWebhook | null } = {},
): Promise<Harness> {
  const complaints: string[] = [];
  const warnings: string[] = [];
  const copies = await HeadCopies.open({
    audit,
    file,
    webhook,
    complain: (message) => complaints.push(message),
    warn: (message) => warnings.push(message),
    now: () => AT,
  });
  return { copies, complaints, warnings };
}

/** The log of workspace `one`, changed by someone with write access to the database. */
function forged(forge: (entries: AuditEntry[]) => AuditEntry[]): Pick<Store['audit'], 'heads' | 'read' | 'base'> {
  const of = async (): Promise<AuditEntry[]> => forge([...(await store.audit.read('one', 0, 1_000))]);
  return {
    base: async () => null,
    read: async (id, after, first) =>
      id === 'one' ? (await of()).filter(({ seq }) => seq > after).slice(0, first) : store.audit.read(id, after, first),
    heads: async (after, first) => {
      const last = (await of()).at(-1);
      const own = last === undefined ? [] : [{ workspaceId: 'one', seq: last.seq, hash: last.hash }];
      const others = (await store.audit.heads('', 100)).filter(({ workspaceId }) => workspaceId !== 'one');
      return [...own, ...others].filter(({ workspaceId }) => workspaceId > after).slice(0, first);
    },
  };
}

describe('R8: copies of heads in a file', () => {
  it('R8: appends one line for each head, and another one only if the head changed', async () => {
    const { copies, complaints } = await copying();
    const [one, two] = [await store.audit.head('one'), await store.audit.head('two')];
    const at = '2026-11-01T00:00:00.000Z';
    expect(lines()).toEqual([
      { at, workspaceId: 'one', ...one },
      { at, workspaceId: 'two', ...two },
    ]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await copies.copy();
    expect(lines()).toHaveLength(2);
    const changed = await change('two');
    await copies.copy();
    expect(lines().slice(2)).toEqual([{ at, workspaceId: 'two', ...changed }]);
    await change('one');
    await copies.close();
    expect(lines()).toHaveLength(4);
    expect(complaints).toEqual([]);
  });

  it('R8: several processes write to one file, each head once', async () => {
    const first = await copying();
    const second = await copying();
    for (let i = 0; i < 5; i += 1) {
      await change('one');
      await first.copies.copy();
      await second.copies.copy();
      await change('two');
      await second.copies.copy();
      await first.copies.copy();
    }
    expect(lines()).toHaveLength(12);
    await first.copies.close();
    await second.copies.close();
    expect([first.complaints, second.complaints]).toEqual([[], []]);
  });

  it.each<[string, (entries: AuditEntry[]) => AuditEntry[]]>([
    ['was cut off', (entries) => entries.slice(0, -1)],
    ['was deleted with its head', () => []],
    [
      'was rewritten from one entry on',
      (entries) => entries.map((entry) => ({ ...entry, hash: 'f'.repeat(64), actor: 'key_x' })),
    ],
    [
      'was rewritten and is longer',
      (entries) => [
        ...entries.map((entry) => ({ ...entry, hash: 'f'.repeat(64) })),
        ...entries.slice(-1).map((last) => ({ ...last, seq: entries.length + 1 })),
      ],
    ],
    [
      'had an entry changed and kept its hash',
      (entries) => [
        ...entries.map((entry) => ({ ...entry, actor: 'key_x' })),
        ...entries.slice(-1).map((last) => ({ ...last, seq: entries.length + 1 })),
      ],
    ],
  ])('R8: a start reports a log that %s, and keeps the copy', async (_, forge) => {
    await change('one');
    const before = await copying();
    await before.copies.close();
    const written = readFileSync(path, 'utf8');
    // The process that made the copy and a new process behave the same.
    const { copies, complaints } = await copying(forged(forge));
    expect(complaints).toEqual([expect.stringContaining('audit log of the workspace one was changed outside')]);
    await copies.close();
    expect(complaints).toHaveLength(1);
    expect(readFileSync(path, 'utf8')).toBe(written);
  });

  it('R8: a running process notices the change', async () => {
    let forge = (entries: AuditEntry[]): AuditEntry[] => entries;
    await change('one');
    const { copies, complaints } = await copying(forged((entries) => forge(entries)));
    expect(complaints).toEqual([]);
    forge = (entries) => entries.slice(0, -1);
    await copies.copy();
    expect(complaints).toHaveLength(1);
    await copies.close();
  });

  it('R8: writes all heads again if the file was moved', async () => {
    const { copies, complaints } = await copying();
    renameSync(path, `${path}.old`);
    await copies.copy();
    expect(lines()).toEqual(lines(`${path}.old`));
    await change('one');
    await copies.close();
    expect([lines().length, lines(`${path}.old`).length, complaints]).toEqual([3, 2, []]);
  });

  it('R8: reports an incomplete line and reads the following lines', async () => {
    const { copies } = await copying();
    await copies.close();
    appendFileSync(path, '{"at":"2026-11-01T00:00:00.000Z","workspaceId":"o');
    await change('one');
    const { copies: next, warnings, complaints } = await copying();
    const written = readFileSync(path, 'utf8').split('\n');
    expect(written).toHaveLength(5);
    expect(parseLine(written[3] ?? '')).toEqual({ workspaceId: 'one', ...(await store.audit.head('one')) });
    await next.close();
    expect(warnings).toEqual([expect.stringContaining('has 1 lines that are not heads')]);
    expect(complaints).toEqual([]);
  });

  it('R8: keeps one copy of a file that is too large, and starts a new one with the newest heads', async () => {
    const { copies, complaints } = await copying(store.audit, { file: new HeadsFile(path, 1_000) });
    for (let i = 0; i < 20; i += 1) {
      await change('one');
      await copies.copy();
      expect(statSync(path).size).toBeLessThanOrEqual(1_000 + 200);
    }
    await copies.close();
    const file = new HeadsFile(path);
    await file.read();
    expect([...file.newest.keys()].toSorted()).toEqual(['one', 'two']);
    expect(file.newest.get('one')).toMatchObject((await store.audit.head('one')) ?? {});
    expect(lines(`${path}.1`).length).toBeGreaterThan(3);
    expect(complaints).toEqual([]);
  });

  it.each([
    ['is in a directory that does not exist', () => join(dir, 'none', 'heads'), /ENOENT/],
    ['is a directory', () => dir, /EISDIR|not a regular file/],
  ])('R8: refuses to start if the file %s', async (_, where, fault) => {
    await expect(copying(store.audit, { file: new HeadsFile(where()) })).rejects.toThrow(fault);
  });

  it('R8: continues with a warning if the file can no longer be written', async () => {
    const { copies, warnings } = await copying();
    rmSync(path);
    chmodSync(dir, 0o500);
    writeFileSync(join(dir, '..', `${path.split('/').at(-2)}.probe`), '');
    rmSync(join(dir, '..', `${path.split('/').at(-2)}.probe`));
    const isRoot = process.getuid?.() === 0;
    await copies.copy();
    chmodSync(dir, 0o700);
    // Root can write anywhere, so the file is written again.
    if (isRoot) expect(lines()).toHaveLength(2);
    else expect(warnings).toEqual([expect.stringContaining('EACCES')]);
    await copies.close();
    expect(lines()).toHaveLength(2);
  });

  it('R8: reads only lines that it has written', () => {
    const head = fc.record({
      workspaceId: fc.string({ minLength: 1, maxLength: 60 }),
      seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      hash: fc.stringMatching(/^[0-9a-f]{64}$/),
    });
    fc.assert(
      fc.property(head, (each) => {
        const line = lineOf(each, AT);
        expect(line).not.toContain('\n');
        expect(parseLine(line)).toEqual(each);
        expect(parseLine(line.slice(0, -1))).toBeNull();
      }),
    );
    fc.assert(fc.property(fc.json(), (text) => parseLine(text) === null));
  });
});

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver that responds with these statuses in turn, then with 204. */
async function receiver(statuses: number[] = []) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      response.writeHead(statuses.shift() ?? 204, { location: '/elsewhere' }).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/heads?token=s3cret`;
  return {
    received,
    webhook: new HeadsWebhook({ url, secret: SECRET }, [1, 1]),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('R8: copies of heads by webhook', () => {
  it('R8: sends each head once, with a signature over time and body', async () => {
    const { received, webhook, close } = await receiver();
    const { copies, warnings } = await copying(store.audit, { file: null, webhook });
    await copies.sent();
    const changed = await change('two');
    await copies.copy();
    await copies.sent();
    await copies.close();
    await close();
    expect(received.map(({ body }) => JSON.parse(body).heads.length)).toEqual([2, 1]);
    expect(JSON.parse(received[1]?.body ?? '').heads).toEqual([{ workspaceId: 'two', ...changed }]);
    for (const { headers, body } of received) {
      const [, time = '', signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['latchkey-signature'])) ?? [];
      expect(signature).toBe(createHmac('sha256', SECRET).update(`${time}.${body}`).digest('hex'));
      expect(Math.abs(Number(time) - Date.now() / 1_000)).toBeLessThan(600);
    }
    expect(warnings).toEqual([]);
  });

  it('R8: tries three times, warns without the address, and sends the head again the next time', async () => {
    const { received, webhook, close } = await receiver([500, 503, 429]);
    const { copies, warnings } = await copying(store.audit, { file: null, webhook });
    await copies.sent();
    expect(received).toHaveLength(3);
    expect(warnings).toEqual([
      'Audit heads were not sent to AUDIT_HEADS_WEBHOOK: the receiver answered 429. Trying again in a minute.',
    ]);
    await copies.copy();
    await copies.sent();
    expect(received.map(({ body }) => body)).toEqual(Array(4).fill(received[0]?.body));
    await copies.close();
    await close();
  });

  it('R8: follows no redirect', async () => {
    const { received, webhook, close } = await receiver([307, 302, 301]);
    const { copies, warnings } = await copying(store.audit, { file: null, webhook });
    await copies.sent();
    expect(received).toHaveLength(3);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).not.toMatch(/s3cret|127\.0\.0\.1/);
    await copies.close();
    await close();
  });

  it('R8: a receiver that never responds delays neither the start nor a round, and delays the stop only briefly', async () => {
    const server = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { copies, warnings } = await copying(store.audit, {
      webhook: new HeadsWebhook({ url, secret: SECRET }),
    });
    await change('one');
    await copies.copy();
    expect(lines()).toHaveLength(3);
    expect(warnings).toEqual([]);
    await copies.close();
    expect(warnings).toEqual([expect.stringContaining('no answer')]);
    server.closeAllConnections();
    server.close();
  });
});
