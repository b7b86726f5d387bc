import { createHash } from 'node:crypto';
import { faultOfName, isName } from '../keys/keyInput.js';
import { checkNames, checkTexts, optionError } from '../../shared/optionChecks.js';
import { isToken, MAX_CREDENTIAL_LENGTH } from '../keys/token.js';
import { normalise } from '../../shared/text/characters.js';
import { looksLikeJwt } from './oidc/jwt.js';
import { DEFAULT_WORKSPACE_ID } from './operator.js';

/**
 * The options of a `ConfiguredEntry`.
 *
 * @example
 * ```ts
 * import { ConfiguredEntry, type ConfiguredEntryOptions } from 'latchkey';
 *
 * const options: ConfiguredEntryOptions = { key: process.env.REPORTS_KEY ?? '', name: 'reports', roles: ['viewer'] };
 * export const reports = new ConfiguredEntry(options);
 * ```
 */
export interface ConfiguredEntryOptions {
  /** The key in plain text: printable ASCII without spaces, and neither a Latchkey token nor a JWT. Choose it at random. */
  readonly key: string;
  /** 1 to 100 characters. The key's ID is derived from the name, so that limits and usage continue if the key is changed. */
  readonly name: string;
  /** The names of its roles, which grant its scopes. */
  readonly roles: readonly string[];
  /** The ID of its workspace. Default: `default`. */
  readonly workspace?: string | undefined;
}

/**
 * A key that a person chose and wrote in the configuration. Only a digest of the key is kept, as the input for bcrypt.
 *
 * @example
 * ```ts
 * import { ConfiguredEntry, NO_CONFIGURATION } from 'latchkey';
 *
 * const key = process.env.REPORTS_KEY ?? '';
 * const reports = new ConfiguredEntry({ key, name: 'reports', roles: ['viewer'] });
 * export const configuration = { ...NO_CONFIGURATION, keys: [reports] };
 * ```
 */
export class ConfiguredEntry {
  /** `conf_` and 64 bits of the name's SHA-256 in hexadecimal. It is the same in every process and after a reload. */
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
      throw optionError('ConfiguredEntry: workspace', workspace, 'the ID of a workspace');
    }
    checkTexts('ConfiguredEntry: roles', roles, 'a list of names of roles');
    const fault = faultOfKey(key);
    if (fault !== null) {
      const remedy = 'Use a random key, such as one from openssl rand -base64 32';
      throw new TypeError(`ConfiguredEntry: key ${fault}. ${remedy}.`);
    }
    if (!isName(name)) {
      throw new TypeError(`ConfiguredEntry: name ${faultOfName(name) ?? 'has spaces around it. Remove them'}.`);
    }
    this.name = normalise(name);
    this.id = `conf_${createHash('sha256').update(this.name).digest('hex').slice(0, 16)}`;
    this.roles = Object.freeze([...roles]);
    this.workspaceId = workspace;
    this.#digest = bcryptInput(key);
  }

  /** The input for bcrypt: the SHA-256 of the key in base64. */
  get input(): string {
    return this.#digest;
  }

  /** Returns whether another entry has the same key. */
  hasKeyOf(other: ConfiguredEntry): boolean {
    return this.#digest === other.#digest;
  }
}

/** Returns the SHA-256 of a credential in base64. bcrypt itself reads only 72 bytes and stops at a NUL. */
export function bcryptInput(credential: string): string {
  return createHash('sha256').update(credential).digest('base64');
}

/** Returns what is wrong with a key that a person chose; null if it is valid. The message never contains the key. */
export function faultOfKey(key: string): string | null {
  if (key === '') return 'is empty';
  if (key.length > MAX_CREDENTIAL_LENGTH) return `is longer than ${MAX_CREDENTIAL_LENGTH} characters`;
  if (!/^[\x21-\x7e]+$/.test(key)) return 'contains white space or characters outside ASCII';
  // Latchkey tokens are only looked up in the store, where this one is unknown or revoked.
  if (isToken(key)) return 'is a key that Latchkey created';
  // A JWT is verified as an access token, never as a key.
  if (looksLikeJwt(key)) return 'has the form of a JWT';
  return null;
}
