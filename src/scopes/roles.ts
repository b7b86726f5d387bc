import { ADMIN } from './grammar.js';

/** What every installation has. */
const BUILT_IN: Readonly<Record<string, readonly string[]>> = {
  admin: [ADMIN],
  editor: ['read:all', 'write:all'],
  viewer: ['read:all'],
};

/** Named sets of scopes. */
export class Roles {
  readonly #roles: ReadonlyMap<string, readonly string[]>;

  constructor(roles: Readonly<Record<string, readonly string[]>> = {}) {
    this.#roles = new Map(Object.entries({ ...BUILT_IN, ...roles }));
  }

  get names(): string[] {
    return [...this.#roles.keys()];
  }

  has(role: string): boolean {
    return this.#roles.has(role);
  }

  /** All scopes of the roles, without repeats. A role that is not known grants nothing. */
  scopesOf(roles: readonly string[]): string[] {
    return [...new Set(roles.flatMap((role) => this.#roles.get(role) ?? []))];
  }
}
