import { network } from '../credentials/failures.js';
import { DEFAULT_WORKSPACE_ID } from '../credentials/operator.js';
import type { Actor } from '../keys/actor.js';
import type { RefusalCode, UnauthenticatedReason } from '../refusals/refusal.js';
import { draftEntry, SYSTEM, type AuditDraft, type Details } from '../store/audit.js';
import { Frequent } from './frequent.js';
import type { EntrySource } from './gathered.js';

/**
 * Why a request with a right key was refused: by the limits (429 and too costly ones), for a scope, for the address that it
 * came from, or for a document that the key is not bound to.
 */
export type KeyRefusal = 'limited' | 'forbidden' | 'address' | 'document';

/** Why a credential was not accepted; `limited`: not looked at, because too many wrong ones came before. */
export type CredentialRefusal = Exclude<UnauthenticatedReason, 'missing'> | 'limited';

/**
 * The maximum number of keys whose refusals are counted. Each becomes an entry, which takes a few ms to append; more would delay a
 * stop. Further refusals are counted only in metrics.
 */
const MAX_KEYS = 500;

/** Addresses that are counted at once, and those of them that an entry names. */
const COUNTED_ADDRESSES = 1_000;
const NAMED_ADDRESSES = 10;

/** The key of the refusals, with the fields of the audit entry. */
type Holder = Pick<Actor, 'keyId' | 'workspaceId' | 'projectId'>;

/**
 * Refusals, counted for the audit log: one entry for each key that was refused, and one for all credentials that were not
 * accepted. An entry for each refusal would let anybody fill the log.
 */
export class Refusals implements EntrySource {
  readonly #now: () => number;
  #keys = new Map<string, { readonly holder: Holder; readonly counts: Counts }>();
  #credentials: { readonly counts: Counts; readonly addresses: Frequent } | null = null;

  /** @param now ms since the epoch */
  constructor(now: () => number) {
    this.#now = now;
  }

  key(holder: Holder, reason: KeyRefusal): void {
    let counted = this.#keys.get(holder.keyId);
    if (counted === undefined) {
      if (this.#keys.size >= MAX_KEYS) return;
      this.#keys.set(holder.keyId, (counted = { holder, counts: new Counts(this.#now()) }));
    }
    counted.counts.add(reason);
  }

  /** @param address null: unknown */
  credential(reason: CredentialRefusal, address: string | null): void {
    this.#credentials ??= { counts: new Counts(this.#now()), addresses: new Frequent(COUNTED_ADDRESSES) };
    this.#credentials.counts.add(reason);
    if (address !== null) this.#credentials.addresses.add(network(address));
  }

  take(): readonly AuditDraft[] {
    const at = this.#now();
    const drafts = [...this.#keys.values()].map(({ holder: { keyId, workspaceId, projectId }, counts: { details } }) =>
      draftEntry(
        { workspaceId, projectId, at, action: 'key.refused', subject: keyId, before: null, after: details },
        SYSTEM,
      ),
    );
    this.#keys = new Map();
    if (this.#credentials === null) return drafts;
    const { counts, addresses } = this.#credentials;
    this.#credentials = null;
    // The owner of an invalid key is unknown, so the entry belongs to the workspace of the operator.
    const of = { workspaceId: DEFAULT_WORKSPACE_ID, projectId: null, subject: DEFAULT_WORKSPACE_ID };
    const after = {
      ...counts.details,
      addresses: addresses.most(NAMED_ADDRESSES).map(({ name, times }) => ({ address: shown(name), times })),
    };
    return [...drafts, draftEntry({ ...of, at, action: 'credential.refused', before: null, after }, SYSTEM)];
  }
}

/** How a refusal of a key's operation is counted; null: not at all. */
export function keyRefusalOf(code: RefusalCode): KeyRefusal | null {
  if (code === 'RATE_LIMITED' || code === 'COST_EXCEEDS_BURST') return 'limited';
  if (code === 'FORBIDDEN') return 'forbidden';
  return code === 'DOCUMENT_NOT_TRUSTED' ? 'document' : null;
}

/** Counts by reason, from their first on. */
class Counts {
  readonly #since: number;
  readonly #counts = new Map<KeyRefusal | CredentialRefusal, number>();

  constructor(since: number) {
    this.#since = since;
  }

  add(reason: KeyRefusal | CredentialRefusal): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  }

  get details(): Details {
    return { since: this.#since, ...Object.fromEntries(this.#counts) };
  }
}

/** As a range where it stands for one: see {@link network}. */
function shown(from: string): string {
  return from.includes(':') ? `${from}::/64` : from;
}
