import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN, runFile, type Child } from '../../support/child.js';
import { post, type Asked } from '../../support/post.js';
import { freshMongoUri } from '../../support/service.js';
import { until } from '../../support/until.js';

/** A running server with workers. */
export interface Cluster {
  readonly child: Child;
  /** Resolves once it listens. */
  url(): Promise<string>;
  /** The first admin key's token, once it is printed. */
  admin(): Promise<string>;
  /** Sends one operation over a new connection, which the primary passes to the next worker. */
  ask(query: string, token?: string): Promise<Asked>;
  /** Returns the process that responded, from its log. */
  servedBy(answer: Asked): Promise<number>;
  /**
   * Sends requests until each of `pids` has responded, at most this number for each. @returns the statuses by process,
   * in order
   */
  askEach(pids: readonly number[], query: string, token: string): Promise<Map<number, number[]>>;
  /**
   * Returns the processes that have listened so far, in order, including ended ones. Resolves once there are at least
   * this number.
   */
  workers(atLeast?: number): Promise<number[]>;
  /** Parsed lines of the log. */
  // oxlint-disable-next-line typescript/no-explicit-any -- Tests reach into lines freely.
  log(): any[];
}

const clusters: Cluster[] = [];
const directories: { readonly dir: string; readonly uri: string | undefined }[] = [];

/** An empty store: a directory, and on MongoDB a database. */
export function place(): Record<string, string> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-cluster-'));
  const uri = freshMongoUri();
  directories.push({ dir, uri });
  return { DATA_DIR: dir, ...(uri !== undefined && { MONGODB_URI: uri }) };
}

/**
 * Options of Node that stop the clock of the primary: used units never come back, however slow the machine is. Each SIGUSR2 advances the
 * clock by one second, and prints the total.
 */
export const FROZEN = ['--import', new URL('./frozenClock.mjs', import.meta.url).href];

/** @param env environment variables in addition to those of all tests */
export function startCluster(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  nodeOptions: readonly string[] = [],
): Cluster {
  const child = runFile(
    MAIN,
    { PORT: '0', BCRYPT_COST: '4', LOG_LEVEL: 'info', DEFAULT_TIER: 'ENTERPRISE', ...env },
    nodeOptions,
    args,
  );
  let known: Promise<string> | null = null;
  const url = (): Promise<string> =>
    (known ??= child.waitFor(/Latchkey listens on (\S+)/).then(([, address]) => address ?? ''));
  const log = logOf(child);
  const servedBy: Cluster['servedBy'] = ({ requestId }) =>
    until(
      () => log().findLast((line) => line.msg === 'request' && line.requestId === requestId)?.pid as number | undefined,
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
    // The log is a separate stream and may arrive after the line that says that the start is complete.
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

/** Returns a function that returns the lines of the log. Each is parsed once, because tests ask for the lines of each request. */
function logOf(child: Child): Cluster['log'] {
  const lines: unknown[] = [];
  let end = 0;
  return () => {
    const { stderr } = child.output();
    const from = end;
    end = stderr.lastIndexOf('\n') + 1;
    const added = stderr.slice(from, end).split('\n');
    lines.push(...added.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as unknown));
    return lines;
  };
}

/** Stops everything that was started, and removes its data. */
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

/** Resolves with the exit code once the main process and all its children have ended. */
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
