import type { Authenticator } from '../../core/auth/authenticator.js';
import { originOf } from '../../core/auth/context.js';
import { locateCredential, type CredentialSource } from '../../core/auth/locate.js';
import { OutsideAddress } from '../../core/auth/outsideAddress.js';
import { LRUCache } from 'lru-cache';
import { growing } from '../../core/util/growing.js';
import { authorOf, type Actor, type Origin } from '../../core/keys/actor.js';
import { draftEntry, type AuditDraft } from '../../core/store/audit.js';
import type { EntrySource } from './gathered.js';

const HOUR = 3_600_000;

/** The maximum number of remembered keys, and of entries that wait to be appended. */
const MAX_NOTED = 10_000;
const MAX_WAITING = 500;

/** Records keys that were sent over plain HTTP. Each gets one entry in an hour, because further entries would say the same. */
export class SentInClear implements EntrySource {
  readonly #now: () => number;
  /** The time of the last entry of each key. */
  readonly #noted = new LRUCache<string, number>(growing(MAX_NOTED));
  #waiting: AuditDraft[] = [];

  /** @param now ms since the epoch */
  constructor(now: () => number) {
    this.#now = now;
  }

  note(holder: Actor, origin: Origin): void {
    const { keyId, workspaceId, projectId } = holder;
    const at = this.#now();
    const last = this.#noted.get(keyId);
    if (last !== undefined && at >= last && at - last < HOUR) return;
    // Not remembered, so that its next request is recorded.
    if (this.#waiting.length >= MAX_WAITING) return;
    this.#noted.set(keyId, at);
    const entry = { workspaceId, projectId, at, action: 'key.sent_in_clear', subject: keyId } as const;
    this.#waiting.push(draftEntry({ ...entry, before: null, after: null }, authorOf(holder, origin)));
  }

  take(): readonly AuditDraft[] {
    const taken = this.#waiting;
    this.#waiting = [];
    return taken;
  }
}

/**
 * Checks the credential of a request that is refused in any case, to find the owner of the key. Never rejects. The same limits apply as
 * for other credentials: an invalid one counts as a failure of its address.
 */
export async function lookAtClear(
  source: CredentialSource,
  authenticator: Pick<Authenticator, 'authenticate'>,
  noted: SentInClear,
): Promise<void> {
  const origin = originOf(source);
  try {
    const credential = locateCredential(source);
    if (credential !== null) noted.note(await authenticator.authenticate(credential, origin.address), origin);
  } catch (error) {
    if (error instanceof OutsideAddress) noted.note(error.principal, origin);
  }
}
