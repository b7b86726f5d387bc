import { createHash } from 'node:crypto';
import { faultOfName, isName } from '../keys/input.js';
import { checkNames, checkTexts, optionError } from '../options.js';
import { isToken, MAX_CREDENTIAL_LENGTH } from '../keys/token.js';
import { normalise } from '../text/characters.js';
import { looksLikeJwt } from './oidc/jwt.js';
import { DEFAULT_WORKSPACE_ID } from './operator.js';

export interface ConfiguredEntryOptions {
  /** The key itself: see {@link faultOfKey}. */
  readonly key: string;
  /** 1 to 100 characters, for people. The key's id is made of it, so that limits and use go on when the key is changed. */
  readonly name: string;
  /** What it may do. */
  readonly roles: readonly string[];
  /** Default: `default`. */
  readonly workspace?: string | undefined;
}

/** A key that people chose, as the configuration says it. Of the key itself a digest is kept, which bcrypt is given. */
export class ConfiguredEntry {
  /** `conf_` and 64 bits of the name's SHA-256 in hex: the same after each reload, and in each process. */
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly workspaceId: string;
  readonly #digest: string;

  /** @throws TypeError */
  constructor(options: ConfiguredEntryOptions) {
    checkNames('ConfiguredEntry', options, ['key', 'name', 'roles', 'workspace']);
    const { key, name, roles, workspace = DEFAULT_WORKSPACE_ID } = options;
    if (typeof key !== 'string') throw optionError('ConfiguredEntry: key', key, 'a string', true);
    if (typeof name !== 'string') throw optionError('ConfiguredEntry: name', name, 'a string of 1 to 100 characters');
    if (typeof workspace !== 'string' || workspace === '') {
      throw optionError('ConfiguredEntry: workspace', workspace, 'the id of a workspace');
    }
    checkTexts('ConfiguredEntry: roles', roles, 'a list of names of roles');
    const fault = faultOfKey(key);
    if (fault !== null) throw new TypeError(`ConfiguredEntry: key ${fault}.`);
    if (!isName(name)) {
      throw new TypeError(`ConfiguredEntry: name ${faultOfName(name) ?? 'has spaces around it. Remove them'}.`);
    }
    this.name = normalise(name);
    this.id = `conf_${createHash('sha256').update(this.name).digest('hex').slice(0, 16)}`;
    this.roles = Object.freeze([...roles]);
    this.workspaceId = workspace;
    this.#digest = bcryptInput(key);
  }

  /** What bcrypt hashes of the key: see {@link bcryptInput}. */
  get input(): string {
    return this.#digest;
  }

  hasKeyOf(other: ConfiguredEntry): boolean {
    return this.#digest === other.#digest;
  }
}

/** bcrypt reads 72 bytes and stops at a NUL: what it is given is the SHA-256 of the whole key, in base64. */
export function bcryptInput(credential: string): string {
  return createHash('sha256').update(credential).digest('base64');
}

/** What is wrong with a key that a person chose; null: nothing. Never repeats it. */
export function faultOfKey(key: string): string | null {
  if (key === '') return 'is empty';
  if (key.length > MAX_CREDENTIAL_LENGTH) return `is longer than ${MAX_CREDENTIAL_LENGTH} characters`;
  if (!/^[\x21-\x7e]+$/.test(key)) return 'contains white space or characters outside ASCII';
  // Such a one is looked for in the store, and would be known there as revoked or unknown.
  if (isToken(key)) return 'is a key that Latchkey made';
  // Such a one is judged as an access token, and never as a key.
  if (looksLikeJwt(key)) return 'has the form of a JWT';
  return null;
}
