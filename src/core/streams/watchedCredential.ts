import type { Standing } from '../auth/standing.js';
import type { StoreState } from '../auth/storeState.js';
import type { AuthenticatedPrincipal } from '../auth/principal.js';
import { unauthenticated } from '../auth/authenticator.js';
import { unavailable } from '../errors/refusal.js';

/** An open stream that depends on a credential. */
export interface Reliant {
  /**
   * Called when the credential was checked again and is valid.
   *
   * @throws {@link Refusal} if that is not sufficient any longer
   */
  judged(principal: AuthenticatedPrincipal): void;
  /**
   * Can be called more than once.
   *
   * @param error the reason
   */
  end(error: unknown): void;
}

interface WatchedCredentialOptions {
  /**
   * Authenticates the credential.
   *
   * @throws {@link Refusal}; it may reject instead
   */
  readonly ask: () => Standing | Promise<Standing>;
  /** The principal of the request that opened the first stream. */
  readonly principal: AuthenticatedPrincipal;
  /** Returns ms since the epoch. */
  readonly now: () => number;
  /** Returns ms of a monotonic clock. */
  readonly clock: () => number;
  /** Called after each successful check. */
  readonly onJudged: () => void;
}

/** A credential with open streams, which share its checks. A check is valid as long as it would be for a request. */
export class WatchedCredential {
  readonly #options: WatchedCredentialOptions;
  readonly #streams = new Set<Reliant>();
  #principal: AuthenticatedPrincipal;
  #lookupId: string | null = null;
  /** The time until which the last check is valid, on the monotonic clock. */
  #countsUntil = -Infinity;
  #state: StoreState | null = null;
  #expiresAt = Infinity;
  #judging: Promise<void> | null = null;
  /** A change was announced while a check was pending. */
  #isDoubted = true;

  constructor(options: WatchedCredentialOptions) {
    this.#options = options;
    this.#principal = options.principal;
  }

  /** The principal of the last check. */
  get principal(): AuthenticatedPrincipal {
    return this.#principal;
  }

  get lookupId(): string | null {
    return this.#lookupId;
  }

  /** Whether a change was announced that may concern the last check. */
  get isDoubted(): boolean {
    return this.#isDoubted;
  }

  /** Whether the streams can continue without another look-up. */
  get counts(): boolean {
    const { now, clock } = this.#options;
    if (now() >= this.#expiresAt) return false;
    return clock() < this.#countsUntil || (this.#state?.countsFor() ?? 0) > 0;
  }

  /** The time until the check expires, in ms. */
  get dueIn(): number {
    const { now, clock } = this.#options;
    const left = Math.max(this.#countsUntil - clock(), this.#state?.countsFor() ?? 0);
    return Math.max(0, Math.min(left, this.#expiresAt - now()));
  }

  /** The state of the store on which the last check depends; null if unknown. */
  get state(): StoreState | null {
    return this.#state;
  }

  /** The time until the credential itself expires, in ms. */
  get expiresIn(): number {
    return this.#expiresAt - this.#options.now();
  }

  get size(): number {
    return this.#streams.size;
  }

  add(stream: Reliant): void {
    this.#streams.add(stream);
  }

  remove(stream: Reliant): void {
    this.#streams.delete(stream);
  }

  /** Nothing is sent from now on until the credential was checked again. */
  doubt(): void {
    this.#isDoubted = true;
    this.#outdate();
  }

  /** Checks the credential unless the last check is still valid. Returns no promise if nothing must be read. */
  settle(): void | Promise<void> {
    return this.counts ? undefined : this.judge();
  }

  /**
   * Checks the credential, and ends its streams if it is refused. Only one check is pending at a time, so that they do
   * not accumulate if the store hangs. Never throws or rejects.
   */
  judge(): void | Promise<void> {
    if (this.#judging !== null) return this.#judging;
    this.#isDoubted = false;
    try {
      const standing = this.#options.ask();
      if (!(standing instanceof Promise)) {
        this.#accept(standing);
        return undefined;
      }
      return (this.#judging = standing
        .then(
          (late) => this.#accept(late),
          (error: unknown) => this.#refuse(error),
        )
        .then(() => {
          this.#judging = null;
          // The record may have been read before the change.
          return this.#isDoubted && this.#streams.size > 0 ? this.judge() : undefined;
        }));
    } catch (error) {
      this.#refuse(error);
      return undefined;
    }
  }

  #accept({ principal, lookupId, countsFor, expiresAt, state = null }: Standing): void {
    if (principal.kind === 'anonymous') {
      this.#refuse(unauthenticated('missing'));
      return;
    }
    if (!isSameHolder(principal, this.#principal)) {
      this.#refuse(otherHolder());
      return;
    }
    this.#principal = principal;
    this.#lookupId = lookupId;
    this.#expiresAt = expiresAt ?? Infinity;
    if (!this.#isDoubted) {
      this.#countsUntil = this.#options.clock() + countsFor;
      this.#state = state;
    }
    for (const stream of this.#streams) {
      try {
        stream.judged(principal);
      } catch (error) {
        stream.end(error);
      }
    }
    this.#options.onJudged();
  }

  #outdate(): void {
    this.#countsUntil = -Infinity;
    this.#state = null;
  }

  #refuse(error: unknown): void {
    this.#outdate();
    for (const stream of this.#streams) stream.end(error);
  }
}

/** An open stream only has events of the workspace and project for which it was opened. */
function isSameHolder(a: AuthenticatedPrincipal, b: AuthenticatedPrincipal): boolean {
  return a.keyId === b.keyId && a.workspaceId === b.workspaceId && a.projectId === b.projectId;
}

function otherHolder(): Error {
  return unavailable('The credential now belongs to another workspace or project. Open the stream again.', 1);
}
