import { badInput, notFound } from '../errors/refusal.js';
import type { KeyFilter, KeyPage } from '../store/keyStore.js';
import { NEWEST_FIRST, type KeyOrder, type KeyPosition } from '../store/ordering.js';
import { isForeign, type WorkspaceRecord } from '../store/records.js';
import type { Store } from '../store/store.js';
import { isPlatform, type Actor } from './actor.js';
import {
  findConfigured,
  isConfiguredPosition,
  matchingOf,
  withConfigured,
  type AnyKey,
  type AnyKeyPage,
  type KeySelection,
  type ConfiguredRecord,
  type WholeKey,
} from './configured.js';
import type { Located } from './foreign.js';
import { checkFilter, isId } from './keyInput.js';
import { readClues } from './search.js';

const MAX_PAGE = 100;
/** The most keys that a search returns. */
const MAX_FOUND = 20;

/** The options of {@link KeyReader}. */
export interface KeyReaderOptions {
  readonly store: Pick<Store, 'keys' | 'workspaces'>;
  readonly now: () => number;
  /** Returns the keys of the configuration file. They are shown, but can't be changed. Default: none. */
  readonly configured?: () => readonly ConfiguredRecord[];
  /** Returns the lookup IDs under which an imported token may be stored. Default: none. */
  readonly locateForeign?: (token: string) => Promise<readonly Located[]>;
}

/** Finds and lists keys. Each method acts for an actor, and finds only keys that they can access. */
export class KeyReader {
  readonly #store: KeyReaderOptions['store'];
  readonly #now: () => number;
  readonly #configured: () => readonly ConfiguredRecord[];
  readonly #locateForeign: (token: string) => Promise<readonly Located[]>;

  constructor({ store, now, configured = () => [], locateForeign = async () => [] }: KeyReaderOptions) {
    this.#store = store;
    this.#now = now;
    this.#configured = configured;
    this.#locateForeign = locateForeign;
  }

  /**
   * Returns the key with an ID and its trusted documents; null if it doesn't exist or the actor can't access it. If you don't need
   * the documents, {@link findMany} costs less.
   */
  async find(actor: Actor, id: string): Promise<WholeKey | null> {
    if (!isId(id)) return null;
    const workspaceId = isPlatform(actor) ? null : actor.workspaceId;
    const key = findConfigured(this.#configured(), id, workspaceId) ?? (await this.#store.keys.find(id, workspaceId));
    return key !== null && (actor.projectId === null || key.projectId === actor.projectId) ? key : null;
  }

  /** Returns the trusted documents of keys by ID, in one read. Leaves out keys of workspaces that the actor can't access. */
  async documentsOf(actor: Actor, ids: readonly string[]): Promise<ReadonlyMap<string, readonly string[] | null>> {
    const found = await this.#store.keys.documentsOf(ids, isPlatform(actor) ? null : actor.workspaceId);
    return new Map(found.map(({ id, trustedDocuments }) => [id, trustedDocuments]));
  }

  /** Returns several keys by their IDs, without their trusted documents and without keys that the actor can't access. */
  async findMany(actor: Actor, ids: readonly string[]): Promise<ReadonlyMap<string, AnyKey>> {
    const workspaceId = isPlatform(actor) ? null : actor.workspaceId;
    const known = ids.filter(isId);
    const configured = known.flatMap((id) => findConfigured(this.#configured(), id, workspaceId) ?? []);
    const stored = known.length === 0 ? [] : await this.#store.keys.findMany(known, workspaceId);
    const reached = [...stored, ...configured].filter(
      ({ projectId }) => actor.projectId === null || projectId === actor.projectId,
    );
    return new Map(reached.map((key) => [key.id, key]));
  }

  /**
   * Finds keys in any state by their ID, prefix, lookup ID or token, with any text around it. The result does not reveal
   * whether a key exists that the actor can't access. Configured keys are only found by their ID.
   *
   * @throws Refusal BAD_USER_INPUT (text) for text in none of the accepted forms, or if more than {@link MAX_FOUND} keys match
   */
  async search(actor: Actor, text: string): Promise<readonly AnyKey[]> {
    const { ids, tokenPrefix, stored: clues, otherwise } = await readClues(text, this.#locateForeign);
    const workspaceId = isPlatform(actor) ? null : actor.workspaceId;
    const stored = await this.#store.keys.search(clues, { workspaceId, projectId: actor.projectId }, MAX_FOUND + 1);
    const named = ids.length === 0 ? [] : [...(await this.findMany(actor, ids)).values()];
    const matching = stored.filter(
      (key) => isForeign(key) || (tokenPrefix ?? key.tokenPrefix).endsWith(key.tokenPrefix),
    );
    const found = [...new Map([...named, ...matching].map((key) => [key.id, key])).values()];
    if (stored.length > MAX_FOUND || found.length > MAX_FOUND) {
      throw badInput(['text'], `More than ${MAX_FOUND} keys match. Give more characters of the token.`);
    }
    if (found.length === 0 && otherwise !== null) throw otherwise;
    return found;
  }

  /** Returns a page of keys. @throws Refusal BAD_USER_INPUT (first, filter), NOT_FOUND (the workspace) */
  async list(
    actor: Actor,
    options: {
      readonly workspaceId: string | null;
      readonly first: number;
      readonly after: KeyPosition | null;
      readonly filter: KeyFilter;
      readonly order?: KeyOrder;
    },
  ): Promise<AnyKeyPage> {
    const { workspaceId, first, after, order = NEWEST_FIRST } = options;
    if (first < 1 || first > MAX_PAGE)
      throw badInput(['first'], `A page has 1 to ${MAX_PAGE} keys. Set first to a number in this range.`);
    const asked = checkFilter(options.filter);
    const workspace = await this.workspace(actor, workspaceId ?? actor.workspaceId);
    const { projectId } = actor;
    if (projectId !== null && asked.projectId !== undefined && asked.projectId !== projectId) {
      return { keys: [], hasNextPage: false, hasPreviousPage: after !== null, selection: null };
    }
    const filter = projectId === null ? asked : { ...asked, projectId };
    const page = await this.#storedPage(workspace.id, { first, after, filter, order });
    const configured = this.#configuredIn(workspace.id);
    const selection = { workspaceId: workspace.id, filter };
    return { ...withConfigured(page, configured, { first, after, filter }), selection };
  }

  /** Returns how many keys a list has, over all of its pages. @param selection of a page that {@link list} returned */
  async count({ workspaceId, filter }: KeySelection): Promise<number> {
    const stored = await this.#store.keys.count(workspaceId, filter, this.#now());
    return stored + matchingOf(this.#configuredIn(workspaceId), filter).length;
  }

  #configuredIn(workspaceId: string): ConfiguredRecord[] {
    return this.#configured().filter((each) => each.workspaceId === workspaceId);
  }

  /** Returns the stored keys of a page. After a configured key there are none. */
  async #storedPage(
    workspaceId: string,
    options: Pick<Parameters<Store['keys']['list']>[1], 'first' | 'after' | 'filter' | 'order'>,
  ): Promise<KeyPage> {
    const { after } = options;
    const now = this.#now();
    if (after === null || !isConfiguredPosition(after)) return this.#store.keys.list(workspaceId, { ...options, now });
    return { keys: [], hasNextPage: false };
  }

  /** Returns a workspace that the actor can access: their own, or any with the scope `platform`. @throws Refusal NOT_FOUND */
  async workspace(actor: Actor, id: string): Promise<WorkspaceRecord> {
    const reachable = id === actor.workspaceId || isPlatform(actor);
    const workspace = reachable && isId(id) ? await this.#store.workspaces.find(id) : null;
    if (workspace === null) throw notFound('workspace');
    return workspace;
  }
}
