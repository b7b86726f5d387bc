import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { LOADER } from '../support/child.js';
import type { Target } from './target.js';
import type { Job } from './worker.js';

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** A child process that has opened the store and waits for {@link Child.go}. */
export interface Child {
  go(): void;
  /** The responses so far. */
  readonly answers: readonly unknown[];
  /** Resolves when there are this many. */
  answered(count: number): Promise<void>;
  /** SIGKILL: no handler runs, nothing is flushed. */
  kill(): Promise<void>;
  /** Resolves when it exits by itself. Rejects if it failed. */
  end(): Promise<void>;
}

/** Starts a child process; resolves once it has sent its first response. */
export async function startChild(target: Target | null, job: Job): Promise<Child> {
  const child = spawn(process.execPath, ['--import', LOADER, WORKER, JSON.stringify([target, job])], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const lines = createInterface({ input: child.stdout });
  const drained = once(lines, 'close');

  const answers: unknown[] = [];
  const waiting = new Set<() => void>();
  lines.on('line', (line) => {
    answers.push(JSON.parse(line));
    for (const check of waiting) check();
  });
  const failed = exit.then(([code]) => {
    if (code !== 0 && code !== null) throw new Error(`The child process failed: ${complaint}`);
  });
  failed.catch(() => undefined);

  const answered = (count: number): Promise<void> => {
    const enough = new Promise<void>((resolve) => {
      const check = (): void => {
        if (answers.length >= count) resolve();
      };
      waiting.add(check);
      check();
    });
    return Promise.race([enough, failed.then(() => enough)]);
  };

  await answered(1);
  answers.shift();
  return {
    answers,
    answered,
    go() {
      child.stdin.write('go\n');
    },
    async kill() {
      child.kill('SIGKILL');
      await exit;
      await drained;
    },
    async end() {
      await failed;
      await drained;
    },
  };
}

/** Runs each job in a separate process, all started at the same moment, and returns the last response of each. */
export async function runTogether(target: Target, jobs: readonly Job[]): Promise<unknown[]> {
  const children = await Promise.all(jobs.map((job) => startChild(target, job)));
  for (const child of children) child.go();
  await Promise.all(children.map((child) => child.end()));
  return children.map((child) => child.answers.at(-1));
}
