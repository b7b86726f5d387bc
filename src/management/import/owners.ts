import { isId } from '../../core/keys/keyInput.js';
import type { WorkspaceRecord } from '../../core/store/records.js';
import type { Store } from '../../core/store/store.js';
import { normalise } from '../../shared/text/characters.js';
import type { Mapping } from './mapping.js';

interface Place {
  readonly workspaceId: string;
  readonly userId: string | null;
}

interface OwnersOptions {
  readonly store: Pick<Store, 'workspaces' | 'users'>;
  readonly mapping: Pick<Mapping, 'owners'>;
  readonly workspaceId: string;
}

/** Finds the workspace and user of an imported key by its owner in the other system. Each is read once. */
export class Owners {
  readonly #options: OwnersOptions;
  readonly #workspaces = new Map<string, WorkspaceRecord | null>();
  readonly #users = new Map<string, boolean>();

  constructor(options: OwnersOptions) {
    this.#options = options;
  }

  /** The existing workspaces that were requested so far. */
  get workspaces(): WorkspaceRecord[] {
    return [...this.#workspaces.values()].filter((workspace) => workspace !== null);
  }

  /** Returns the workspace and user for an owner. @param owner the name in the other system; null if none */
  async placeOf(owner: string | null): Promise<Place | { readonly problem: string }> {
    const { owners } = this.#options.mapping;
    const named = owners === null || owner === null ? {} : owners.get(normalise(owner));
    if (named === undefined) {
      return {
        problem: `The mapping does not name the owner ${JSON.stringify(owner?.slice(0, 100))}. Add it under owners, with the workspace or user that its keys belong to.`,
      };
    }
    const { workspace = this.#options.workspaceId, user = null } = named;
    if ((await this.#workspace(workspace)) === null) {
      return { problem: `There is no workspace ${JSON.stringify(workspace)}. Create it first, or correct its ID.` };
    }
    if (user !== null && !(await this.#isMember(workspace, user))) {
      return {
        problem: `There is no user ${JSON.stringify(user)} in the workspace ${workspace}. Add them first (addUser).`,
      };
    }
    return { workspaceId: workspace, userId: user };
  }

  async #workspace(id: string): Promise<WorkspaceRecord | null> {
    const known = this.#workspaces.get(id);
    if (known !== undefined) return known;
    const found = isId(id) ? await this.#options.store.workspaces.find(id) : null;
    this.#workspaces.set(id, found);
    return found;
  }

  async #isMember(workspaceId: string, id: string): Promise<boolean> {
    const name = `${workspaceId} ${id}`;
    const known = this.#users.get(name);
    if (known !== undefined) return known;
    const user = isId(id) ? await this.#options.store.users.find(id) : null;
    const member = user?.workspaceId === workspaceId && user.removedAt === null;
    this.#users.set(name, member);
    return member;
  }
}
