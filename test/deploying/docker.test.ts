import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, cpSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { validate } from 'dockerfile-utils';
import { OPTIONS } from '../../src/server/settings/options.js';
import { PROJECT } from '../support/project.js';
import { contextOf, instructionsOf, Stage } from './image.js';
import { freePort } from '../support/freePort.js';

const dockerfile = readFileSync(join(PROJECT, 'Dockerfile'), 'utf8');
const instructions = instructionsOf(dockerfile);
const context = contextOf(readFileSync(join(PROJECT, '.dockerignore'), 'utf8'));
const last = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'));

describe('the Dockerfile', () => {
  test('has no linter errors', () => {
    expect(validate(dockerfile)).toEqual([]);
    // The linter reports errors in another file.
    expect(validate(dockerfile.replace('WORKDIR /data', 'WORKDIR data'))).toHaveLength(1);
  });

  test('every stage starts from the same image with a pinned tag', () => {
    const images = instructions.flatMap(({ name, rest }) => (name === 'FROM' ? [rest.split(' ')[0]] : []));
    expect(new Set(images)).toEqual(new Set(['node:22-bookworm-slim']));
  });

  test('runs as a numeric user other than root, without a shell, and with a health check', () => {
    const of = (name: string) => last.flatMap((instruction) => (instruction.name === name ? [instruction.rest] : []));
    expect(of('USER')).toEqual([expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/)]);
    expect(of('CMD')).toEqual([expect.stringMatching(/^\["node", /)]);
    expect(of('HEALTHCHECK')).toHaveLength(1);
    expect(of('VOLUME')).toEqual(['/data']);
  });

  test('its variables are settings, and not secret', () => {
    const set = instructions.flatMap(({ name, rest }) => (name === 'ENV' ? [rest.split('=')[0] ?? ''] : []));
    const open = Object.entries(OPTIONS).flatMap(([name, option]) => ('secret' in option ? [] : [name]));
    expect([...open, 'NODE_ENV']).toEqual(expect.arrayContaining(set));
    expect(instructions.filter(({ name }) => name === 'ARG')).toEqual([]);
  });

  test('its context contains only the files that the build reads', () => {
    expect(readFileSync(join(PROJECT, '.dockerignore'), 'utf8').split('\n')).toContain('*');
    expect(context.filter((path) => /^(\.env|\.git|data|dist|build|node_modules|test|\*)/.test(path))).toEqual([]);
  });
});

/**
 * These tests have no Docker, so the same commands run without it, each stage in a separate directory. `npm ci` and
 * `npm run build` are replaced by the results that this checkout already has.
 */
describe('the built image', () => {
  let directory: string;
  let image: Stage;
  let server: ChildProcessByStdio<null, null, Readable>;
  let ended: Promise<[number | null]>;
  const stages = new Map<string, Stage>();

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'latchkey-image-'));
    for (const [index, instruction] of instructions.entries()) {
      if (instruction.name === 'FROM') {
        const name = / AS (\w+)$/.exec(instruction.rest)?.[1] ?? 'final';
        image = new Stage(join(directory, `${index}-${name}`));
        stages.set(name, image);
      } else if (instruction.rest === 'npm ci --engine-strict --ignore-scripts') {
        symlinkSync(join(PROJECT, 'node_modules'), join(image.workdir, 'node_modules'));
      } else if (instruction.rest === 'npm run build') {
        cpSync(join(PROJECT, 'dist'), join(image.workdir, 'dist'), { recursive: true });
      } else {
        image.run(instruction, stages, context);
      }
    }
  });

  afterAll(() => {
    server.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  const checkHealth = () => {
    const [program = '', ...args] = image.healthCheck;
    return spawnSync(program, args, { env: { ...process.env, ...image.env, PORT: port }, timeout: 20_000 }).status;
  };
  let port: string;

  test('becomes healthy after the start, and contains no development dependencies', async () => {
    port = String(await freePort());
    expect(checkHealth()).toBe(1);
    const [program = '', ...args] = image.command;
    server = spawn(program, args, {
      cwd: image.workdir,
      env: { PATH: process.env.PATH, ...image.env, HOST: '127.0.0.1', PORT: port },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    ended = once(server, 'exit') as Promise<[number | null]>;
    let stderr = '';
    server.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    while (checkHealth() !== 0) {
      if (server.exitCode !== null) throw new Error(`It ended: ${stderr}`);
      await delay(100);
    }
    const installed = spawnSync('ls', [join(image.root, 'app/node_modules')], { encoding: 'utf8' }).stdout.split('\n');
    expect(installed).toEqual(expect.arrayContaining(['bcrypt', 'graphql']));
    expect(installed).not.toEqual(expect.arrayContaining(['typescript']));
    expect(installed).not.toEqual(expect.arrayContaining(['jest']));
  });

  test('writes only to its volume', () => {
    const { stdout } = spawnSync('ls', [join(image.root, 'data')], { encoding: 'utf8' });
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(['latchkey.db', 'pepper']));
  });

  test('has the command line in its PATH', () => {
    const command = join(image.root, 'usr/local/bin/latchkey');
    const { stdout, status } = spawnSync(command, ['--version'], { encoding: 'utf8', timeout: 20_000 });
    expect({ stdout, status }).toEqual({ stdout: '0.1.0\n', status: 0 });
  });

  test('finishes requests and ends on SIGTERM, which stops a container', async () => {
    server.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});
