import { createHmac, randomBytes } from 'node:crypto';
import type { BcryptGate } from '../keys/bcryptGate.js';
import type { ConfiguredRecord } from '../keys/configured.js';
import { CONFIGURED } from '../store/keyFields.js';
import { MAX_CONFIGURED_KEYS, type Configuration } from './configuration.js';
import { bcryptInput, type ConfiguredEntry } from './configuredEntry.js';

/** The length of a tag in bits. With 200 keys, one wrong guess in 5,000 costs a bcrypt run. A matching tag proves nothing. */
const TAG_BITS = 20;

interface Hashed {
  readonly record: ConfiguredRecord;
  readonly hash: string;
}

/**
 * The configured keys, as bcrypt hashes. A wrong credential must not cost a bcrypt run for each key (B43). So keys are first
 * looked up by a short tag, an HMAC under a random key of this object, and bcrypt verifies only those with the same tag.
 */
export class ConfiguredKeys {
  readonly records: readonly ConfiguredRecord[];
  readonly #gate: Pick<BcryptGate, 'compare'>;
  readonly #tagKey = randomBytes(32);
  readonly #byTag = new Map<number, Hashed[]>();

  private constructor(records: readonly ConfiguredRecord[], gate: Pick<BcryptGate, 'compare'>) {
    this.records = records;
    this.#gate = gate;
  }

  /** No keys. */
  static readonly NONE = new ConfiguredKeys([], { compare: () => Promise.resolve(false) });

  /**
   * Hashes the configured keys, one bcrypt run after another, so that a reload leaves the other cores to requests.
   * @throws TypeError for two equal keys or names, or too many keys; Refusal UNAVAILABLE if the queue for bcrypt is full
   */
  static async hashed({ keys: entries, roles }: Configuration, gate: BcryptGate): Promise<ConfiguredKeys> {
    assertDistinct(entries);
    const known = entries.map((entry) => ({ entry, record: recordOf(entry, roles.scopesOf(entry.roles)) }));
    const keys = new ConfiguredKeys(
      known.map(({ record }) => record),
      gate,
    );
    for (const { entry, record } of known) {
      const tag = keys.#tagOf(entry.input);
      keys.#byTag.set(tag, [...(keys.#byTag.get(tag) ?? []), { record, hash: await gate.hash(entry.input) }]);
    }
    return keys;
  }

  /** Returns the tag of a credential if a configured key has the same tag; null if it is definitely not a configured key. */
  tagOf(credential: string): number | null {
    const tag = this.#tagOf(bcryptInput(credential));
    return this.#byTag.has(tag) ? tag : null;
  }

  /** Returns the key that equals the credential, or null. @throws Refusal UNAVAILABLE */
  async find(credential: string): Promise<ConfiguredRecord | null> {
    const input = bcryptInput(credential);
    for (const { record, hash } of this.#byTag.get(this.#tagOf(input)) ?? []) {
      if (await this.#gate.compare(input, hash, record.workspaceId)) return record;
    }
    return null;
  }

  #tagOf(input: string): number {
    return createHmac('sha256', this.#tagKey).update(input).digest().readUInt32BE(0) >>> (32 - TAG_BITS);
  }
}

function recordOf({ id, name, roles, workspaceId }: ConfiguredEntry, scopes: readonly string[]): ConfiguredRecord {
  return Object.freeze({
    ...CONFIGURED,
    id,
    familyId: id,
    workspaceId,
    name,
    roles,
    scopes: Object.freeze(scopes),
  });
}

function assertDistinct(entries: readonly ConfiguredEntry[]): void {
  if (entries.length > MAX_CONFIGURED_KEYS) {
    throw new TypeError(`There are ${entries.length} configured keys. Allowed: at most ${MAX_CONFIGURED_KEYS}.`);
  }
  entries.forEach((entry, i) => {
    for (const other of entries.slice(0, i)) {
      if (entry.id === other.id) throw new TypeError(`Two configured keys have the name "${entry.name}".`);
      if (entry.hasKeyOf(other)) {
        throw new TypeError(`The configured keys "${other.name}" and "${entry.name}" are the same key.`);
      }
    }
  });
}
