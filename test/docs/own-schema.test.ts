import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { isBuilt } from '../support/built.js';
import { LOADER, spawned, type Child } from '../support/child.js';
import { PROJECT } from '../support/project.js';
import { documentOf, expectSession, sessionOf } from '../support/session.js';

const page = documentOf('docs/how-to/own-schema.md');
const [, program = ''] = /```ts\n(.*?)```/s.exec(page) ?? [];

/** Starts the server of the page at a port, with its data in a directory. */
function start(
  directory: string,
  port: number,
  env: Readonly<Record<string, string>> = { KEY_PEPPER: 'a-pepper-of-the-page-of-32-characters' },
): Child {
  const file = join(directory, 'server.mjs');
  writeFileSync(file, program.replace('port: 4001', `port: ${port}`));
  return spawned([...(isBuilt ? [] : ['--import', LOADER]), file], {
    cwd: directory,
    env,
  });
}

/** A directory in which the server's imports are found. */
function directoryOf(): string {
  mkdirSync(join(PROJECT, 'build'), { recursive: true });
  return mkdtempSync(join(PROJECT, 'build', 'own-schema-'));
}

test('the server of docs/how-to/own-schema.md starts, and each request runs as written', async () => {
  const cwd = directoryOf();
  const server = start(cwd, 0);
  try {
    const [, admin = ''] = await server.waitFor(/Admin key: (\S+)/);
    const [, url = ''] = await server.waitFor(/Listening at (\S+)/);
    const session = sessionOf(page.replaceAll('http://127.0.0.1:4001/', url));
    expect(session).toHaveLength(2);
    await expectSession(session, { cwd, env: { ADMIN: admin } });
  } finally {
    await server.stop('SIGTERM');
    rmSync(cwd, { recursive: true, force: true });
  }
});

test('the server of docs/how-to/own-schema.md says how to create and set the pepper, with the commands of the page', async () => {
  const cwd = directoryOf();
  const server = start(cwd, 0, {});
  try {
    await once(server.process, 'close');
    const { stderr } = server.output();
    for (const command of ['openssl rand -hex 32 > pepper', 'export KEY_PEPPER=$(cat pepper)']) {
      expect(stderr).toContain(command);
      expect(page.replace(program, '')).toContain(command);
    }
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
});

test('the server of docs/how-to/own-schema.md prints the admin key if its port is in use', async () => {
  const cwd = directoryOf();
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const server = start(cwd, (other.address() as AddressInfo).port);
  try {
    await once(server.process, 'close');
    expect(server.output().stderr).toContain('EADDRINUSE');
    expect(server.output().stdout).toMatch(/^Admin key: lks_live_/);
  } finally {
    other.close();
    rmSync(cwd, { recursive: true, force: true });
  }
});
