/** Checks the types of variables and results. Never run: `npm run typecheck` checks it. */
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { createClient } from '../../src/client/index.js';

declare const asset: TypedDocumentNode<{ asset: { name: string } | null }, { name: string }>;
declare const all: TypedDocumentNode<{ assets: { name: string }[] }, { first?: number }>;
declare const none: TypedDocumentNode<{ viewer: { scopes: string[] } }, Record<string, never>>;

export async function right(): Promise<unknown[]> {
  const client = createClient();
  const name: string | undefined = (await client.request(asset, { name: 'x' })).asset?.name;
  const names: string[] = (await client.request(all)).assets.map((each) => each.name);
  const scopes: string[] = (await client.request(none)).viewer.scopes;
  for await (const { assets } of client.subscribe(all, { first: 2 })) names.push(...assets.map((each) => each.name));
  const { n }: { n: number } = await client.request<{ n: number }>('{ n }', { anything: 1 });
  const { request, close } = client;
  await request(all).then(close);
  return [name, names, scopes, n];
}

export async function wrong(): Promise<unknown[]> {
  const client = createClient();
  // @ts-expect-error: the variables are missing
  await client.request(asset);
  // @ts-expect-error: one of them is
  await client.request(asset, {});
  // @ts-expect-error: it has another type
  await client.request(asset, { name: 1 });
  // @ts-expect-error: there is none of that name
  await client.request(all, { last: 1 });
  // @ts-expect-error: a result is what was asked for
  const number: number = (await client.request(asset, { name: 'x' })).asset;
  // @ts-expect-error: of a stream as well
  for await (const { nothing } of client.subscribe(all)) return [nothing];
  // @ts-expect-error: a key is text
  createClient({ apiKey: 1 });
  // @ts-expect-error: and has a name
  createClient({ key: 'x' });
  return [number];
}
