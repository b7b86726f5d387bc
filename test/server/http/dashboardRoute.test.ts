import Fastify, { type FastifyInstance } from 'fastify';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { dashboardRoute } from '../../../src/server/http/dashboardRoute.js';

const OPTIONS = { signIn: () => Promise.resolve(null), api: '/admin/graphql' };

/** Builds that are not ours. */
let dir: string;
let app: FastifyInstance;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-build-'));
  app = Fastify();
  dashboardRoute(app, { ...OPTIONS, directory: pathToFileURL(`${dir}/`) });
});
afterEach(async () => {
  await app.close();
  rmSync(dir, { recursive: true, force: true });
});

test('without a dashboard in the build, explains how to build it; finds it once it exists', async () => {
  const absent = await app.inject('/dashboard/');
  expect([absent.statusCode, absent.headers['content-type']]).toEqual([404, 'text/plain; charset=utf-8']);
  expect(absent.body).toContain('Run "npm run build"');
  expect((await app.inject('/dashboard/assets/a.js')).statusCode).toBe(404);
  mkdirSync(join(dir, 'assets'));
  writeFileSync(join(dir, 'index.html'), '<p nonce="__CSP_NONCE__">');
  writeFileSync(join(dir, 'assets/a.js'), 'a');
  expect((await app.inject('/dashboard/')).statusCode).toBe(200);
  expect((await app.inject('/dashboard/assets/a.js')).body).toBe('a');
});

test('reads each file once, and does not look for files outside the build', async () => {
  mkdirSync(join(dir, 'assets'));
  writeFileSync(join(dir, 'assets/a.js'), 'built');
  expect((await app.inject('/dashboard/assets/a.js')).body).toBe('built');
  writeFileSync(join(dir, 'assets/a.js'), 'changed');
  writeFileSync(join(dir, 'assets/b.js'), 'added');
  expect((await app.inject('/dashboard/assets/a.js')).body).toBe('built');
  expect((await app.inject('/dashboard/assets/b.js')).statusCode).toBe(404);
});

test('does not send files of other types, or a compressed file under its own name', async () => {
  mkdirSync(join(dir, 'assets'));
  for (const name of ['a.js', 'a.js.br', 'notes.txt', 'a.js.map']) writeFileSync(join(dir, 'assets', name), name);
  const statuses = await Promise.all(
    ['a.js', 'a.js.br', 'notes.txt', 'a.js.map'].map(async (name) => {
      return (await app.inject(`/dashboard/assets/${name}`)).statusCode;
    }),
  );
  expect(statuses).toEqual([200, 404, 404, 404]);
});

test('writes its own path and the path of the API into the page, even below a prefix', async () => {
  writeFileSync(
    join(dir, 'index.html'),
    '<html data-base="__BASE__" data-api="__API__"><script src="./assets/a.js"></script><link href="./assets/a.css">',
  );
  const textAt = async (path: string) => (await app.inject(path)).body;
  const page = (prefix: string, api: string): string =>
    `<html data-base="${prefix}/dashboard/" data-api="${api}">` +
    `<script src="${prefix}/dashboard/assets/a.js"></script><link href="${prefix}/dashboard/assets/a.css">`;
  await app.register(
    async (below) => dashboardRoute(below, { ...OPTIONS, api: '/keys/graphql', directory: pathToFileURL(`${dir}/`) }),
    { prefix: '/keys' },
  );
  expect(await textAt('/dashboard/keys/key_1')).toBe(page('', '/admin/graphql'));
  expect(await textAt('/keys/dashboard/keys/key_1')).toBe(page('/keys', '/keys/graphql'));
});
