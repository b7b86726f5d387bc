import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { LOADER } from '../../support/child.js';
import type { Target } from './target.js';
import type { Job, Task } from './worker.js';

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** A child process that has opened the store and waits for {@link Child.go}. */
export interface Child {
  go(): void;
  /** Runs a task; resolves with the response. */
  run(task: Task): Promise<unknown>;
  /** The responses so far. */
  readonly answers: readonly unknown[];
  /** Resolves when there are this many. */
  answered(count: number): Promise<void>;
  /** SIGKILL: no handler runs, nothing is flushed. */
  kill(): Promise<void>;
  /** Ends its input; resolves when it exits by itself. Rejects if it failed. */
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
    async run(task) {
      child.stdin.write(`${JSON.stringify(task)}\n`);
      await answered(1);
      return answers.shift();
    },
    async kill() {
      child.kill('SIGKILL');
      await exit;
      await drained;
    },
    async end() {
      child.stdin.end();
      await failed;
      await drained;
    },
  };
}

/** Processes by the store that they have open. */
const teams = new Map<string, Promise<Child>[]>();
afterAll(async () => {
  const members = await Promise.all([...teams.values()].flat());
  await Promise.all(members.map((member) => member.end()));
});

/**
 * Runs each task in a separate process, all started at the same moment, and returns the responses. The processes keep the store open
 * for the next call: it takes them seconds to start.
 */
export async function runTogether(target: Target, tasks: readonly Task[]): Promise<unknown[]> {
  const name = JSON.stringify(target);
  const team = teams.get(name) ?? [];
  teams.set(name, team);
  while (team.length < tasks.length) team.push(startChild(target, { kind: 'tasks' }));
  const members = await Promise.all(team.slice(0, tasks.length));
  try {
    return await Promise.all(tasks.map(async (task, i) => members[i]?.run(task)));
  } catch (error) {
    // A process that failed runs no further task. The next call starts new ones.
    teams.delete(name);
    await Promise.all(members.map((member) => member.kill()));
    throw error;
  }
}
