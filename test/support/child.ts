import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { isBuilt } from './built.js';
import { PROJECT } from './project.js';

/** Lets a process run the sources: the argument of Node's `--import`. */
export const LOADER = new URL('./ts-loader.mjs', import.meta.url).href;

/** The program of `npm start`: the build, which starts in less than half of the time, unless the sources are newer. */
export const MAIN = isBuilt ? 'dist/main.js' : 'src/server/main.ts';

export interface Child {
  readonly process: ChildProcessByStdio<null, Readable, Readable>;
  /** All of standard output and of standard error so far. */
  readonly output: () => { readonly stdout: string; readonly stderr: string };
  /** Resolves with the first match of standard output. @throws when the child ends without it */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends the signal and resolves with the exit code; null if the signal ended the process. */
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

/** Runs a file of the project in a separate process. It imports the sources of the package, or their build. */
export function runFile(
  file: string,
  env: Readonly<Record<string, string>>,
  nodeOptions: readonly string[] = [],
  args: readonly string[] = [],
): Child {
  const loader = isBuilt && !file.endsWith('.ts') ? [] : ['--import', LOADER];
  return spawned([...loader, ...nodeOptions, file, ...args], { cwd: PROJECT, env });
}

interface SpawnOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** The path of Node. Default: the one that runs the tests. */
  readonly node?: string;
}

/** Runs Node with these arguments. */
export function spawned(args: readonly string[], { cwd, env, node = process.execPath }: SpawnOptions): Child {
  const child = spawn(node, args, {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'exit') as Promise<[number | null]>;
  return {
    process: child,
    output: () => ({ stdout, stderr }),
    waitFor: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(stdout);
          if (match === null) return;
          child.stdout.off('data', look);
          resolve(match);
        };
        child.stdout.on('data', look);
        void ended.then(() => reject(new Error(`It ended without printing ${String(pattern)}:\n${stdout}${stderr}`)));
        look();
      }),
    async stop(signal) {
      child.kill(signal);
      const [code] = await ended;
      return code;
    },
  };
}
