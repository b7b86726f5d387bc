import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PROJECT } from '../support/project.js';

/** A line of a Dockerfile. */
export interface Instruction {
  /** For example `RUN`. */
  readonly name: string;
  readonly rest: string;
}

/** Returns the instructions of a Dockerfile, without comments, each on one line. */
export function instructionsOf(dockerfile: string): readonly Instruction[] {
  return dockerfile
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, name = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
      return { name, rest };
    });
}

/** Returns the files that .dockerignore includes in the context. It excludes everything, and then includes names. */
export function contextOf(dockerignore: string): readonly string[] {
  return [...dockerignore.matchAll(/^!(.+)$/gm)].map(([, path = '']) => path);
}

/**
 * Builds one stage of an image in a directory instead of the root: the same commands, with changed paths. Doesn't use
 * chroot, because that needs root and a system in the directory.
 */
export class Stage {
  readonly env: Record<string, string> = {};
  command: readonly string[] = [];
  healthCheck: readonly string[] = [];
  readonly root: string;
  #workdir = '/';

  constructor(root: string) {
    this.root = root;
  }

  get workdir(): string {
    return join(this.root, this.#workdir);
  }

  /** @param stages earlier ones, by name @throws Error if it fails */
  run({ name, rest }: Instruction, stages: ReadonlyMap<string, Stage>, context: readonly string[]): void {
    switch (name) {
      case 'WORKDIR':
        this.#workdir = rest;
        mkdirSync(this.workdir, { recursive: true });
        break;
      case 'ENV': {
        const [key = '', value = ''] = rest.split('=');
        this.env[key] = this.#moved(value);
        break;
      }
      case 'COPY':
        this.#copy(rest.split(' '), stages, context);
        break;
      case 'RUN':
        this.#shell(this.#moved(rest));
        break;
      case 'CMD':
        this.command = (JSON.parse(rest) as string[]).map((argument) => this.#moved(argument));
        break;
      case 'HEALTHCHECK':
        this.healthCheck = JSON.parse(rest.slice(rest.indexOf('CMD ') + 4)) as string[];
        break;
      case 'USER':
      case 'VOLUME':
      case 'EXPOSE':
        break;
      default:
        throw new Error(`${name} is not known here: say in test/deploying/image.ts what it does.`);
    }
  }

  #moved(text: string): string {
    return text.replace(/(?<![^ ])\/(?=(?:app|build|data|tmp|usr)\b)/g, `${this.root}/`);
  }

  #copy(words: readonly string[], stages: ReadonlyMap<string, Stage>, context: readonly string[]): void {
    const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
    const paths = words.filter((word) => !word.startsWith('--'));
    const target = paths.pop() ?? '';
    for (const source of from === undefined && paths[0] === '.' ? context : paths) {
      if (from === undefined && !context.includes(source)) throw new Error(`${source} is not in the context.`);
      const origin = from === undefined ? join(PROJECT, source) : join(stages.get(from)?.root ?? '', source);
      const to = target.startsWith('/') ? join(this.root, target) : join(this.workdir, basename(source));
      cpSync(origin, to, { recursive: true, verbatimSymlinks: true });
    }
  }

  #shell(command: string): void {
    mkdirSync(join(this.root, 'tmp'), { recursive: true });
    mkdirSync(join(this.root, 'usr/local/bin'), { recursive: true });
    const options = { cwd: this.workdir, env: { ...process.env, ...this.env }, timeout: 240_000 };
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { ...options, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command} ended with ${String(status)}:\n${stdout}${stderr}`);
  }
}
