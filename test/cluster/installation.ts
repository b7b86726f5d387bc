import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN, runFile, type Child } from '../support/child.js';
import { post, type Asked } from '../support/post.js';
import { freshMongoUri } from '../support/service.js';
import { until } from '../support/until.js';

/** A start of the server with workers, as people start it. */
export interface Cluster {
  readonly child: Child;
  /** Resolves once it listens. */
  url(): Promise<string>;
  /** The first admin key's token, once it is printed. */
  admin(): Promise<string>;
  /** One operation over a connection of its own, which the primary hands to the next worker in turn. */
  ask(query: string, token?: string): Promise<Asked>;
  /** The process that answered: it says so in the log. */
  servedBy(answer: Asked): Promise<number>;
  /** Asks until every one of `pids` has answered, at most so often for each. @returns the statuses by process, in order */
  askEach(pids: readonly number[], query: string, token: string): Promise<Map<number, number[]>>;
  /** The processes that listen by now, dead ones included, in order. Resolves once they are at least so many. */
  workers(atLeast?: number): Promise<number[]>;
  /** Lines of the log, taken apart. */
  // oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into lines freely.
  log(): any[];
}

const clusters: Cluster[] = [];
const directories: { readonly dir: string; readonly uri: string | undefined }[] = [];

/** A place for keys that nobody has used: a directory, and on MongoDB a database. */
export function place(): Record<string, string> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-cluster-'));
  const uri = freshMongoUri();
  directories.push({ dir, uri });
  return { DATA_DIR: dir, ...(uri !== undefined && { MONGODB_URI: uri }) };
}

/** @param env as in the environment, on top of what all tests have */
export function startCluster(args: readonly string[], env: Readonly<Record<string, string>>, file = MAIN): Cluster {
  const child = runFile(
    file,
    { PORT: '0', BCRYPT_COST: '4', LOG_LEVEL: 'info', DEFAULT_TIER: 'ENTERPRISE', ...env },
    [],
    args,
  );
  let known: Promise<string> | null = null;
  const url = (): Promise<string> =>
    (known ??= child.waitFor(/Latchkey listens on (\S+)/).then(([, address]) => address ?? ''));
  const log: Cluster['log'] = () =>
    child
      .output()
      .stderr.split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as unknown);
  const servedBy: Cluster['servedBy'] = ({ requestId }) =>
    until(
      () => log().find((line) => line.msg === 'request' && line.requestId === requestId)?.pid as number | undefined,
    );
  const cluster: Cluster = {
    child,
    url,
    admin: async () => (await child.waitFor(/Admin key: (\S+)/))[1] ?? '',
    ask: async (query, token) => post(await url(), query, token),
    servedBy,
    async askEach(pids, query, token) {
      const statuses = new Map<number, number[]>();
      for (let i = 0; i < 20 * pids.length && pids.some((pid) => !statuses.has(pid)); i++) {
        const answer = await post(await url(), query, token);
        const pid = await servedBy(answer);
        statuses.set(pid, [...(statuses.get(pid) ?? []), answer.status]);
      }
      return statuses;
    },
    // The log comes another way than the line that says the start is done, and may come later.
    workers: (atLeast = 2) =>
      until(() => {
        const pids = log()
          .filter(({ msg }) => msg === 'the worker is ready')
          .map(({ pid }) => Number(pid));
        return pids.length >= atLeast && pids;
      }),
    log,
  };
  clusters.push(cluster);
  return cluster;
}

/** Ends all that was started and removes its places. */
export async function removeAll(): Promise<void> {
  for (const cluster of clusters.splice(0)) {
    cluster.child.process.kill('SIGKILL');
    await endOf(cluster);
  }
  for (const { dir, uri } of directories.splice(0)) {
    rmSync(dir, { recursive: true, force: true });
    if (uri === undefined) continue;
    const { default: mongoose } = await import('mongoose');
    const connection = await mongoose.createConnection(uri).asPromise();
    await connection.dropDatabase();
    await connection.close();
  }
}

/** Resolves with the exit code once the start has ended and all of its processes with it: each holds its output open. */
export async function endOf({ child }: Cluster): Promise<number | null> {
  if (!child.process.stdout.closed || !child.process.stderr.closed) await once(child.process, 'close');
  return child.process.exitCode;
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
