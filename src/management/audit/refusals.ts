import { network } from '../../core/auth/failures.js';
import { DEFAULT_WORKSPACE_ID } from '../../core/auth/operator.js';
import type { Actor } from '../../core/keys/actor.js';
import type { RefusalCode, UnauthenticatedReason } from '../../core/errors/refusal.js';
import { draftEntry, SYSTEM, type AuditDraft, type Details } from '../../core/store/audit.js';
import { Frequent } from './frequent.js';
import type { EntrySource } from './gathered.js';

/**
 * The reasons for refusing a request with a valid key: limits (429 or too high a cost), a missing scope, its address,
 * or a document that is not trusted.
 */
type KeyRefusal = 'limited' | 'forbidden' | 'address' | 'document';

/**
 * The reasons for refusing a credential. `limited`: it was not checked, because too many invalid ones were sent before.
 */
type CredentialRefusal = Exclude<UnauthenticatedReason, 'missing'> | 'limited';

/**
 * The maximum number of keys whose refusals are counted. Each becomes an entry, which takes a few ms to append; more would delay a
 * stop. Further refusals are counted only in metrics.
 */
const MAX_KEYS = 500;

/** The number of addresses that are counted, and the number that an entry lists. */
const COUNTED_ADDRESSES = 1_000;
const NAMED_ADDRESSES = 10;

/** The key of the refusals, with the fields of the audit entry. */
type Holder = Pick<Actor, 'keyId' | 'workspaceId' | 'projectId'>;

/**
 * Counts refusals for the audit log: one entry for each refused key, and one for all credentials that were not
 * accepted. An entry for each refusal would let anyone fill the log.
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

  /** @param address null if unknown */
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

/** Returns whether a limit of the key refused the request. */
export function isLimit(code: RefusalCode): boolean {
  return LIMITS.has(code);
}

const LIMITS: ReadonlySet<RefusalCode> = new Set([
  'RATE_LIMITED',
  'COST_EXCEEDS_BURST',
  'COST_EXCEEDED',
  'QUOTA_EXCEEDED',
  'LIST_SIZE_REQUIRED',
]);

/** Returns the counted reason of a refusal; null if it is not counted. */
export function keyRefusalOf(code: RefusalCode): KeyRefusal | null {
  if (isLimit(code)) return 'limited';
  if (code === 'FORBIDDEN') return 'forbidden';
  return code === 'DOCUMENT_NOT_TRUSTED' ? 'document' : null;
}

/** The counts by reason, and the time of the first refusal. */
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

/** Formats a network as a range: see {@link network}. */
function shown(from: string): string {
  return from.includes(':') ? `${from}::/64` : from;
}
