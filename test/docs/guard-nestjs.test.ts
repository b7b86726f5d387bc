import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from '@swc/core';
import { isBuilt } from '../support/built.js';
import { LOADER, spawned } from '../support/child.js';
import { PROJECT } from '../support/project.js';
import { documentOf, expectSession, sessionOf } from '../support/session.js';

const page = documentOf('docs/how-to/guard-nestjs.md');
const [program = '', , sockets = '', commonJs = ''] = [...page.matchAll(/```ts\n(.*?)```/gs)].map(
  ([, block = '']) => block,
);

/** Compiles the decorators of the page, as a project of Nest does. */
function compiled(source: string, type: 'es6' | 'commonjs'): string {
  const { code } = transformSync(source, {
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
    module: { type },
  });
  return code;
}

test('the application of docs/how-to/guard-nestjs.md starts, and each request runs as written', async () => {
  mkdirSync(join(PROJECT, 'build'), { recursive: true });
  const cwd = mkdtempSync(join(PROJECT, 'build', 'guard-nestjs-'));
  const file = join(cwd, 'main.mjs');
  const source = program
    .replace('listen(4003', 'listen(0')
    .replace("'Listening at http://127.0.0.1:4003/graphql'", '`Listening at ${await app.getUrl()}/graphql`');
  writeFileSync(file, compiled(`${source}\n${sockets}`, 'es6'));
  const server = spawned([...(isBuilt ? [] : ['--import', LOADER]), file], { cwd, env: {} });
  try {
    const [, admin = ''] = await server.waitFor(/Admin key: (\S+)/);
    const [, url = ''] = await server.waitFor(/Listening at (\S+)/);
    const session = sessionOf(page.replaceAll('http://127.0.0.1:4003/graphql', url));
    expect(session).toHaveLength(1);
    await expectSession(session, { cwd, env: { ADMIN: admin } });
  } finally {
    await server.stop('SIGTERM');
    rmSync(cwd, { recursive: true, force: true });
  }
});

test('the CommonJS application of the page waits for Latchkey, and serves a public field', async () => {
  mkdirSync(join(PROJECT, 'build'), { recursive: true });
  const cwd = mkdtempSync(join(PROJECT, 'build', 'guard-nestjs-commonjs-'));
  const file = join(cwd, 'main.cjs');
  const source = commonJs
    .replace('listen(4003', 'listen(0')
    .replace("'Listening at http://127.0.0.1:4003/graphql'", '`Listening at ${await app.getUrl()}/graphql`');
  writeFileSync(file, compiled(source, 'commonjs'));
  expect(readFileSync(file, 'utf8')).toContain('require("latchkey/nest")');
  const server = spawned([file], { cwd, env: {} });
  try {
    const [, url = ''] = await server.waitFor(/Listening at (\S+)/);
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body: '{"query":"{ opening }"}' });
    expect(await response.json()).toEqual({ data: { opening: '9 to 5' } });
  } finally {
    await server.stop('SIGTERM');
    rmSync(cwd, { recursive: true, force: true });
  }
});
