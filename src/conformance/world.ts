import { buildASTSchema, graphql, type GraphQLSchema } from 'graphql';
import { createLatchkey, tierTable, type Latchkey, type LatchkeyOptions, type TierOverrides } from '../index.js';
import { DOMAIN, domainResolvers } from './testDomain.js';
import type { ConformanceException } from './exceptions.js';
import { send, type Answer, type Sent } from './httpRequest.js';
import type { ConformanceOptions, StartedServer } from './conformanceOptions.js';
import { schemaOf, withResolvers } from './resolvedSchema.js';
import { openTemporaryStore, type OpenStore, type SharedStore } from './sharedStore.js';
import type { Opened, SharedWorlds } from './sharedWorlds.js';
import { Sources } from './sources.js';

/** The options of a case. */
export interface WorldOptions {
  readonly latchkey?: Partial<Omit<LatchkeyOptions, 'store' | 'tiers' | 'now'>>;
  /** Limits of keys and of callers without a key. Default: high ones, so that a case does not reach them. */
  readonly tiers?: TierOverrides;
  /** Uses a separate store, which the case may close. Default: false. */
  readonly ownStore?: boolean;
  /** Returns the guarded schema. Default: the schema of domain.ts. */
  readonly schema?: (given: { readonly latchkey: Latchkey; readonly ran: string[] }) => GraphQLSchema;
}

export interface Key {
  readonly id: string;
  readonly token: string;
}

/** A request with an operation. */
export interface Asked {
  /** null for no credential. */
  readonly token?: string | null;
  readonly variables?: object;
  readonly operationName?: string;
  readonly headers?: readonly (readonly [string, string])[];
}

/** Limits are counted for a minute, in ms. */
const WINDOW = 60_000;
const HIGH = { rate: 10_000, burst: 10_000 } as const;
const OPERATOR = 'the-operator-of-the-conformance-suite-only';
const PEPPER = 'a-pepper-of-the-conformance-suite-only';

/** A server on a store. Its clock is stopped: only {@link World.pass} moves it. */
export class World {
  readonly store: OpenStore;
  readonly latchkey: Latchkey;
  readonly server: StartedServer;
  /** The resolvers that ran, in order. */
  readonly ran: string[];
  readonly sources: Sources;
  /** The errors that callers don't see. */
  readonly hidden: readonly unknown[];
  /** A text that a resolver puts into an error. */
  readonly leak: { text: string };
  readonly #clock: { now: number };
  readonly #exceptions: ReadonlySet<ConformanceException>;
  #administration: GraphQLSchema | null = null;

  constructor(parts: Parts) {
    this.store = parts.store;
    this.latchkey = parts.latchkey;
    this.server = parts.server;
    this.ran = parts.ran;
    this.sources = parts.sources;
    this.hidden = parts.hidden;
    this.leak = parts.leak;
    this.#clock = parts.clock;
    this.#exceptions = parts.exceptions;
  }

  get url(): string {
    return this.server.url;
  }

  lacks(exception: ConformanceException): boolean {
    return this.#exceptions.has(exception);
  }

  /** Moves the clock. */
  pass(ms: number): void {
    this.#clock.now += ms;
  }

  get now(): number {
    return this.#clock.now;
  }

  /**
   * Forgets what the last case did, and moves the clock past the window of the limits.
   *
   * @returns false if the case has left something that the next one could see, such as a stream or a report of an error
   */
  renew(): boolean {
    if (this.sources.opened.length > 0 || this.hidden.length > 0) return false;
    this.ran.length = 0;
    this.leak.text = '';
    this.pass(WINDOW);
    return true;
  }

  /** Sends an operation by POST. */
  ask(query: string, { token = null, headers = [], ...more }: Asked = {}): Promise<Answer> {
    return this.post(JSON.stringify({ query, ...more }), [...bearer(token), ...headers]);
  }

  /** Sends a body as JSON. */
  post(body: string, headers: readonly (readonly [string, string])[] = []): Promise<Answer> {
    return send(this.url, {
      method: 'POST',
      headers: [['content-type', 'application/json'], ['accept', '*/*'], ...headers],
      body,
    });
  }

  /** Sends an operation by GET, as a page of another origin can't: with a field that needs a preflight request. */
  get(query: string, { token = null, operationName, headers = [] }: Asked = {}): Promise<Answer> {
    const address = new URL(this.url);
    address.searchParams.set('query', query);
    if (operationName !== undefined) address.searchParams.set('operationName', operationName);
    const fields = [...bearer(token), ['apollo-require-preflight', '1'], ['accept', 'application/json']] as const;
    return send(address.href, { headers: [...fields, ...headers] });
  }

  send(sent: Sent, url = this.url): Promise<Answer> {
    return send(url, sent);
  }

  /** Creates a key. */
  async key(scopes: readonly string[] = ['read:users'], more: object = {}): Promise<Key> {
    const { createApiKey } = await this.manage<{ createApiKey: { token: string; apiKey: { id: string } } }>(
      'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { token apiKey { id } } }',
      { input: { name: 'conformance', scopes, ...more } },
    );
    return { id: createApiKey.apiKey.id, token: createApiKey.token };
  }

  revoke(id: string): Promise<unknown> {
    return this.manage('mutation ($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }', { id });
  }

  update(id: string, change: object): Promise<unknown> {
    return this.manage('mutation ($input: UpdateApiKeyInput!) { updateApiKey(input: $input) { apiKey { id } } }', {
      input: { id, ...change },
    });
  }

  expire(id: string, at: number): Promise<unknown> {
    return this.manage('mutation ($input: ExpireApiKeyInput!) { expireApiKey(input: $input) { apiKey { id } } }', {
      input: { id, at: new Date(at).toISOString() },
    });
  }

  async rotate(id: string, overlap: string): Promise<string> {
    const { rotateApiKey } = await this.manage<{ rotateApiKey: { token: string } }>(
      'mutation ($input: RotateApiKeyInput!) { rotateApiKey(input: $input) { token } }',
      { input: { id, overlap } },
    );
    return rotateApiKey.token;
  }

  /** Runs an operation on keys in this process, as the operator. It does not use the server. */
  async manage<Data>(source: string, variableValues: Record<string, unknown>): Promise<Data> {
    const { latchkey } = this;
    this.#administration ??= latchkey.guard(
      withResolvers(buildASTSchema(latchkey.typeDefs, { assumeValidSDL: true }), latchkey.resolvers),
      {
        plugin: false,
      },
    );
    const contextValue = await latchkey.context({ headers: { authorization: `Bearer ${OPERATOR}` } });
    const { data, errors } = await graphql({ schema: this.#administration, source, variableValues, contextValue });
    if (errors?.[0] !== undefined) throw errors[0];
    return data as Data;
  }
}

interface Parts extends Foundation {
  readonly server: StartedServer;
}

/** The server under test, and the stores and servers that its cases share. */
interface Stage<L extends Latchkey> {
  readonly options: ConformanceOptions<L>;
  readonly shared: SharedStore;
  readonly worlds: SharedWorlds<World>;
}

/** Everything but the server. */
export interface Foundation {
  readonly store: OpenStore;
  readonly latchkey: Latchkey;
  readonly ran: string[];
  readonly sources: Sources;
  readonly hidden: readonly unknown[];
  readonly leak: { text: string };
  readonly clock: { now: number };
  readonly exceptions: ReadonlySet<ConformanceException>;
}

/** Creates a Latchkey on a store during a case. */
export async function onFoundation<L extends Latchkey>(
  stage: Stage<L>,
  options: WorldOptions,
  look: (foundation: Foundation & { readonly latchkey: L }) => Promise<void>,
): Promise<void> {
  const { foundation, close } = await openFoundation(stage, options);
  try {
    await look(foundation);
  } finally {
    await close();
  }
}

interface OpenFoundation<L extends Latchkey> {
  readonly foundation: Foundation & { readonly latchkey: L };
  readonly close: () => Promise<void>;
}

async function openFoundation<L extends Latchkey>(stage: Stage<L>, options: WorldOptions): Promise<OpenFoundation<L>> {
  const { shared, options: suite } = stage;
  const { store, release } = await storeFor(shared, options);
  const clock = { now: Date.now() };
  const hidden: unknown[] = [];
  try {
    const latchkey = await latchkeyOn(suite, options, { store, clock, hidden });
    const exceptions = new Set(suite.exceptions ?? []);
    return {
      foundation: { store, latchkey, ran: [], sources: new Sources(), hidden, clock, exceptions, leak: { text: '' } },
      async close() {
        try {
          await latchkey.close();
        } finally {
          await release();
        }
      },
    };
  } catch (error) {
    await release();
    throw error;
  }
}

async function storeFor(
  shared: SharedStore,
  { ownStore = false }: WorldOptions,
): Promise<{ readonly store: OpenStore; readonly release: () => unknown }> {
  if (!ownStore) return { store: await shared.acquire(), release: () => shared.release() };
  const store = await openTemporaryStore();
  return { store, release: () => store.close() };
}

function latchkeyOn<L extends Latchkey>(
  suite: ConformanceOptions<L>,
  { latchkey: own = {}, tiers = {} }: WorldOptions,
  { store, clock, hidden }: Pick<Foundation, 'store' | 'clock'> & { readonly hidden: unknown[] },
): Promise<L> {
  const create = suite.createLatchkey ?? (createLatchkey as (options: LatchkeyOptions) => Promise<never>);
  return create({
    store,
    adminApiKey: OPERATOR,
    peppers: [PEPPER],
    bcryptCost: 4,
    cacheTtl: 0,
    now: () => clock.now,
    tiers: tierTable({ GROWTH: { ...HIGH, keys: null }, ANONYMOUS: HIGH, ...tiers }),
    log: (error) => void hidden.push(error),
    ...own,
  });
}

/** Runs a case with a started server, which cases with the same options share, unless they need a store or schema of their own. */
export async function inWorld<L extends Latchkey>(
  stage: Stage<L>,
  options: WorldOptions,
  look: (world: World) => Promise<void>,
): Promise<void> {
  const { schema, ownStore = false, ...shared } = options;
  const open = () => openWorld(stage, options);
  if (schema === undefined && !ownStore) return stage.worlds.use(JSON.stringify(shared), open, look);
  const { world, close } = await open();
  try {
    await look(world);
  } finally {
    await close();
  }
}

async function openWorld<L extends Latchkey>(stage: Stage<L>, options: WorldOptions): Promise<Opened<World>> {
  const { foundation, close } = await openFoundation(stage, options);
  const { latchkey, ran, sources, leak } = foundation;
  const build = options.schema ?? (() => latchkey.guard(schemaOf(DOMAIN, domainResolvers(ran, sources, leak))));
  try {
    const server = await stage.options.start({ schema: build({ latchkey, ran }), latchkey });
    return {
      world: new World({ ...foundation, server }),
      async close() {
        try {
          await server.close();
        } finally {
          await close();
        }
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function bearer(token: string | null): readonly (readonly [string, string])[] {
  return token === null ? [] : [['authorization', `Bearer ${token}`]];
}
