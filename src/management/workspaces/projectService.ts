import type { Actor, Origin } from '../../core/keys/actor.js';
import { Authors } from '../../core/keys/author.js';
import type { ConfiguredRecord } from '../../core/keys/configured.js';
import { checkName, isId } from '../../core/keys/keyInput.js';
import { newId } from '../../core/keys/minter.js';
import { badInput, notFound } from '../../core/errors/refusal.js';
import { Duplicate } from '../../core/store/storeErrors.js';
import type { Roles } from '../../core/scopes/roles.js';
import type { ProjectRecord } from '../../core/store/records.js';
import type { Store } from '../../core/store/store.js';
import { assertReachesAll } from './reach.js';
import { checkPage, pageOf, type After, type Page } from '../schema/pageConnection.js';

interface ProjectServiceOptions {
  readonly store: Pick<Store, 'projects' | 'keys' | 'users'>;
  /** The scopes of users' roles. Default: none. */
  readonly roles?: () => Pick<Roles, 'scopesOf'>;
  /** The keys in the configuration. Default: they are not checked again. */
  readonly configured?: () => readonly ConfiguredRecord[];
  readonly now: () => number;
}

/** The projects of a workspace. A key of a project only has access to that project. */
export class ProjectService {
  readonly #options: ProjectServiceOptions;
  readonly #authors: Authors;

  constructor(options: ProjectServiceOptions) {
    this.#options = options;
    this.#authors = new Authors(options);
  }

  /**
   * Creates a project.
   *
   * @throws {@link Refusal} FORBIDDEN (a key of a project), BAD_USER_INPUT (name)
   */
  async create(actor: Actor, input: { readonly name: string }, origin?: Origin): Promise<ProjectRecord> {
    assertReachesAll(actor);
    const { store, now } = this.#options;
    const name = checkName(input.name);
    const project = { id: newId('prj'), workspaceId: actor.workspaceId, name, createdAt: now() };
    await unlessTaken(store.projects.create(project, await this.#authors.present(actor, origin)));
    return project;
  }

  /**
   * Renames a project.
   *
   * @throws {@link Refusal} FORBIDDEN (a key of a project), NOT_FOUND, BAD_USER_INPUT (name)
   */
  async rename(
    actor: Actor,
    input: { readonly id: string; readonly name: string },
    origin?: Origin,
  ): Promise<ProjectRecord> {
    assertReachesAll(actor);
    const { store, now } = this.#options;
    const { id } = await this.get(actor, input.id);
    const name = checkName(input.name);
    const author = await this.#authors.present(actor, origin);
    const renamed = await unlessTaken(store.projects.rename(id, actor.workspaceId, name, { at: now(), author }));
    if (renamed === null) throw notFound('project');
    return renamed;
  }

  /** Returns a project; null if it does not exist or the actor has no access to it. */
  async find({ workspaceId, projectId }: Actor, id: string): Promise<ProjectRecord | null> {
    if (!isId(id) || (projectId !== null && projectId !== id)) return null;
    const project = await this.#options.store.projects.find(id);
    return project?.workspaceId === workspaceId ? project : null;
  }

  /** Returns those of several projects that the actor has access to, by id. */
  async findMany(actor: Actor, ids: readonly string[]): Promise<ReadonlyMap<string, ProjectRecord>> {
    const reachable = ids.filter((id) => isId(id) && (actor.projectId === null || actor.projectId === id));
    const found = reachable.length === 0 ? [] : await this.#options.store.projects.findMany(reachable);
    return new Map(found.filter((each) => each.workspaceId === actor.workspaceId).map((each) => [each.id, each]));
  }

  /**
   * Returns a project.
   *
   * @throws {@link Refusal} NOT_FOUND
   */
  async get(actor: Actor, id: string): Promise<ProjectRecord> {
    const project = await this.find(actor, id);
    if (project === null) throw notFound('project');
    return project;
  }

  /**
   * Lists projects, oldest first; for a key of a project only that one.
   *
   * @throws {@link Refusal} BAD_USER_INPUT (first)
   */
  async list(actor: Actor, first: number, after: After | null): Promise<Page<ProjectRecord>> {
    checkPage(first);
    if (actor.projectId !== null) {
      const own = after === null ? await this.find(actor, actor.projectId) : null;
      return pageOf(own === null ? [] : [own], first, after);
    }
    return pageOf(
      await this.#options.store.projects.list(actor.workspaceId, { first: first + 1, after }),
      first,
      after,
    );
  }
}

async function unlessTaken<T>(writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    if (!(error instanceof Duplicate && error.what === 'project.name')) throw error;
    throw badInput(['input', 'name'], 'The workspace already has a project with this name. Choose another.');
  }
}
