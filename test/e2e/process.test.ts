import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { verifyAudit } from '../../src/management/audit/verifyAudit.js';
import { readSettings } from '../../src/server/settings/settings.js';
import { openStore } from '../../src/core/store/open.js';
import type { Store } from '../../src/core/store/store.js';
import { MAIN, runFile, type Child } from '../support/child.js';
import { begin } from '../support/post.js';
import { freshMongoUri } from '../support/service.js';
import { until } from '../support/until.js';

const PORT_IN_USE =
  /^The server did not start\. PORT is \d+, which is in use\. Stop the process that uses it, or set PORT to another port \(0 picks a free one\)\.\n$/;

/** The server as users start it: a separate process, with signals and kills. Uses MongoDB if MONGODB_URI is set. */
interface Installation {
  start(env?: Record<string, string>): Child;
  /** The store of the started server, opened in addition to it. */
  open(): Promise<Store>;
  remove(): Promise<void>;
}

const children: Child[] = [];

function install(): Installation {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-process-'));
  const uri = freshMongoUri();
  return {
    start(env = {}) {
      const child = runFile(MAIN, {
        PORT: '0',
        DATA_DIR: dir,
        BCRYPT_COST: '4',
        LOG_LEVEL: 'silent',
        DEFAULT_TIER: 'ENTERPRISE',
        ...(uri !== undefined && { MONGODB_URI: uri }),
        ...env,
      });
      children.push(child);
      return child;
    },
    open: () => openStore(readSettings({ DATA_DIR: dir, ...(uri !== undefined && { MONGODB_URI: uri }) })),
    async remove() {
      rmSync(dir, { recursive: true, force: true });
      if (uri === undefined) return;
      const { default: mongoose } = await import('mongoose');
      const connection = await mongoose.createConnection(uri).asPromise();
      await connection.dropDatabase();
      await connection.close();
    },
  };
}

let installation: Installation;
beforeEach(() => void (installation = install()));
afterEach(async () => {
  for (const child of children.splice(0)) child.process.kill('SIGKILL');
  await installation.remove();
});

const urlOf = async (child: Child): Promise<string> => (await child.waitFor(/listens on (\S+)/))[1] ?? '';
const keyOf = async (child: Child): Promise<string> => (await child.waitFor(/Admin key: (\S+)/))[1] ?? '';

async function exitOf({ process: child }: Child): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

// oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into answers freely.
async function ask(url: string, token: string, query: string): Promise<{ status: number; body: any }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query }),
  });
  return { status: response.status, body: await response.json() };
}

const CREATE = 'mutation { createApiKey(input: { name: "k", scopes: ["read:all"] }) { token apiKey { id } } }';
const revoke = (id: string): string => `mutation { revokeApiKey(input: { id: "${id}" }) { apiKey { status } } }`;

test('the first start prints workspace, key and a curl line, once; the second prints no key, and Ctrl-C drains', async () => {
  const first = installation.start();
  const url = await urlOf(first);
  const token = await keyOf(first);
  await first.waitFor(/curl/);
  const { stdout } = first.output();
  expect(stdout).toContain('Workspace: default');
  // Once for storing, once in the curl line.
  expect(stdout.split(token)).toHaveLength(3);
  expect(stdout).toMatch(
    /^ {2}curl http:\/\/127\.0\.0\.1:\d+\/graphql -H "Authorization: Bearer lks_live_\w+" -H .* -d '\{"query":.*\}'$/m,
  );
  expect((await ask(url, token, '{ viewer { scopes } }')).status).toBe(200);
  expect(await first.stop('SIGTERM')).toBe(0);
  expect(first.output().stderr).not.toContain(token);

  const second = installation.start();
  const again = await urlOf(second);
  await ask(again, token, '{ viewer { scopes } }');
  const running = await Promise.all([1, 2, 3, 4].map(() => begin(again, CREATE, token)));
  const asked = Date.now();
  const stopped = second.stop('SIGINT');
  // No new request starts, and the running one still has to send its body.
  await until(() =>
    fetch(again).then(
      () => false,
      () => true,
    ),
  );
  for (const { status, body } of await Promise.all(running.map((finish) => finish()))) {
    expect([status, body]).toEqual([
      200,
      { data: { createApiKey: expect.objectContaining({ token: expect.any(String) }) } },
    ]);
  }
  expect(await stopped).toBe(0);
  // Immediately, not when the clients' idle connections have timed out.
  expect(Date.now() - asked).toBeLessThan(30_000);
  expect(second.output().stdout).not.toMatch(/lks_live_|Admin key/);
});

/** IDs of keys by their changes in the audit log, after its chain was verified. */
async function audited(): Promise<Record<'key.created' | 'key.revoked', Set<string>>> {
  const store = await installation.open();
  try {
    expect(await verifyAudit(store.audit, 'default')).toMatchObject({ outcome: 'whole' });
    const entries = await store.audit.read('default', 0, 10_000);
    const subjects = (wanted: string) =>
      new Set(entries.filter(({ action }) => action === wanted).map(({ subject }) => subject));
    return { 'key.created': subjects('key.created'), 'key.revoked': subjects('key.revoked') };
  } finally {
    await store.close();
  }
}

test('kill -9 during writes: nothing acknowledged is lost, nothing revoked is active, and the audit log is complete', async () => {
  let child = installation.start();
  let url = await urlOf(child);
  const admin = await keyOf(child);
  const made = new Map<string, string>();
  const revoked = new Set<string>();
  // Requested and not acknowledged: may have happened or not.
  const asked = new Set<string>();

  for (let round = 0; round < 2; round++) {
    const writing = Array.from({ length: 4 }, async (_, worker) => {
      for (let i = 0; ; i++) {
        try {
          const { body } = await ask(url, admin, CREATE);
          const created = body.data?.createApiKey;
          if (created == null) {
            // The burst of a hundred a second is used up.
            await delay(50);
            continue;
          }
          made.set(created.apiKey.id, created.token);
          if ((i + worker) % 2 === 0) continue;
          asked.add(created.apiKey.id);
          const answer = await ask(url, admin, revoke(created.apiKey.id));
          if (answer.body.data?.revokeApiKey?.apiKey.status === 'REVOKED') revoked.add(created.apiKey.id);
        } catch {
          return;
        }
      }
    });
    const before = made.size;
    while (made.size < before + 30) await delay(10);
    child.process.kill('SIGKILL');
    await Promise.all(writing);
    child = installation.start();
    url = await urlOf(child);

    expect(revoked.size).toBeGreaterThan(5);
    const entries = await audited();
    expect([...made.keys()].filter((id) => !entries['key.created'].has(id))).toEqual([]);
    expect([...revoked].filter((id) => !entries['key.revoked'].has(id))).toEqual([]);
    // It contains no change that did not happen, either.
    expect([...entries['key.revoked']].filter((id) => !revoked.has(id) && !asked.has(id))).toEqual([]);
    const statuses = await Promise.all(
      [...made].map(async ([id, token]) => [id, (await ask(url, token, '{ viewer { scopes } }')).status] as const),
    );
    for (const [id, status] of statuses) {
      if (revoked.has(id)) expect([id, status]).toEqual([id, 401]);
      else if (!asked.has(id)) expect([id, status]).toEqual([id, 200]);
      else expect([200, 401]).toContain(status);
    }
  }
  expect((await ask(url, admin, '{ apiKeys { totalCount } }')).body.data.apiKeys.totalCount).toBeGreaterThanOrEqual(
    made.size,
  );
});

describe('a start that fails', () => {
  it('prints one line for an invalid setting', async () => {
    const child = installation.start({ PORT: 'http' });
    expect(await exitOf(child)).toBe(1);
    const { stdout, stderr } = child.output();
    expect(stdout).toBe('');
    expect(stderr).toBe(
      'PORT is "http", which is not a whole number. Allowed: a whole number from 0 to 65535, where 0 picks a free port.\n',
    );
  });

  it('prints one line for a port in use, and loses no key', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    try {
      const failed = installation.start({ PORT: String((occupant.address() as AddressInfo).port) });
      expect(await exitOf(failed)).toBe(1);
      expect(failed.output().stderr).toMatch(PORT_IN_USE);
      // The key was created and stored before the port was opened: it must be printed now.
      const token = await keyOf(failed);
      const next = installation.start();
      expect((await ask(await urlOf(next), token, '{ viewer { scopes } }')).status).toBe(200);
      expect(next.output().stdout).not.toContain('Admin key');
    } finally {
      occupant.close();
    }
  });
});
