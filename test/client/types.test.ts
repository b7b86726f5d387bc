import { join } from 'node:path';
import ts from 'typescript';
import { PROJECT } from '../support/project.js';

const PREAMBLE = `
  import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
  import { createClient } from '../../src/client/index.js';
  declare const asset: TypedDocumentNode<{ asset: { name: string } | null }, { name: string }>;
  declare const all: TypedDocumentNode<{ assets: { name: string }[] }, { first?: number }>;
  declare const none: TypedDocumentNode<{ viewer: { scopes: string[] } }, Record<string, never>>;
  const client = createClient();
  export async function use(): Promise<void> {
`;

const RIGHT = `
  const a: string | undefined = (await client.request(asset, { name: 'x' })).asset?.name;
  const b: string[] = (await client.request(all)).assets.map(({ name }) => name);
  const c: string[] = (await client.request(none)).viewer.scopes;
  for await (const { assets } of client.subscribe(all, { first: 2 })) assets.map(({ name }) => name);
  const d: { n: number } = await client.request<{ n: number }>('{ n }', { anything: 1 });
  const { request, close } = client;
  void request(all).then(close);
`;

const WRONG = [
  'void client.request(asset);',
  'void client.request(asset, {});',
  'void client.request(asset, { name: 1 });',
  'void client.request(all, { last: 1 });',
  "const e: number = (await client.request(asset, { name: 'x' })).asset;",
  'for await (const { nothing } of client.subscribe(all)) void nothing;',
  'createClient({ apiKey: 1 });',
  'createClient({ key: "x" });',
];

/** The lines of a module in which the compiler finds something wrong. */
function wrongLines(source: string): number[] {
  const path = join(PROJECT, 'test/client/typed.ts');
  const options: ts.CompilerOptions = {
    ...ts.convertCompilerOptionsFromJson(
      ts.readConfigFile(join(PROJECT, 'tsconfig.json'), (file) => ts.sys.readFile(file)).config.compilerOptions,
      PROJECT,
    ).options,
    types: ['node'],
    noUnusedLocals: false,
  };
  const host = ts.createCompilerHost(options);
  const getSourceFile = host.getSourceFile.bind(host);
  const fileExists = host.fileExists.bind(host);
  host.fileExists = (file) => file === path || fileExists(file);
  host.getSourceFile = (file, how, ...rest) =>
    file === path ? ts.createSourceFile(file, source, how) : getSourceFile(file, how, ...rest);
  const program = ts.createProgram([path, join(PROJECT, 'src/client/bottleneck.d.ts')], options, host);
  const file = program.getSourceFile(path);
  return program
    .getSemanticDiagnostics(file)
    .map(({ start = 0 }) => file?.getLineAndCharacterOfPosition(start).line ?? -1)
    .sort((a, b) => a - b);
}

it('variables and results are typed by the document', () => {
  const source = `${PREAMBLE}${RIGHT}\n${WRONG.join('\n')}\n}\n`;
  const firstWrong = `${PREAMBLE}${RIGHT}\n`.split('\n').length - 1;
  const found = [...new Set(wrongLines(source))];
  expect(found).toEqual(WRONG.map((_, i) => firstWrong + i));
});
