import type { Standing } from '../credentials/standing.js';
import type { AuthenticatedPrincipal } from '../credentials/principal.js';
import { unauthenticated } from '../credentials/authenticator.js';
import { unavailable } from '../refusals/refusal.js';

/** What relies on a credential: an open stream. */
export interface Reliant {
  /** The credential was judged again and is valid. @throws Refusal where that isn't enough any more */
  judged(principal: AuthenticatedPrincipal): void;
  /** Idempotent. @param error why */
  end(error: unknown): void;
}

export interface WatchedCredentialOptions {
  /** Authenticates the credential. @throws Refusal, or rejects with one */
  readonly ask: () => Standing | Promise<Standing>;
  /** Of the request that brought the credential first. */
  readonly principal: AuthenticatedPrincipal;
  /** ms since the epoch. */
  readonly now: () => number;
  /** ms of a clock that never runs back. */
  readonly clock: () => number;
  /** Called after each verdict that lets the credential in. */
  readonly onJudged: () => void;
}

/**
 * A credential with open streams. They share its verdict: one look-up serves all of them, and it is relied on for as long
 * as a request would rely on it.
 */
export class WatchedCredential {
  readonly #options: WatchedCredentialOptions;
  readonly #streams = new Set<Reliant>();
  #principal: AuthenticatedPrincipal;
  #lookupId: string | null = null;
  /** Until when the verdict counts, on the clock that never runs back. */
  #countsUntil = -Infinity;
  #expiresAt = Infinity;
  #judging: Promise<void> | null = null;
  /** A change was told of after the question that is being answered. */
  #isDoubted = true;

  constructor(options: WatchedCredentialOptions) {
    this.#options = options;
    this.#principal = options.principal;
  }

  /** As it was judged last. */
  get principal(): AuthenticatedPrincipal {
    return this.#principal;
  }

  get lookupId(): string | null {
    return this.#lookupId;
  }

  /** Whether a change was told of that may concern the verdict. */
  get isDoubted(): boolean {
    return this.#isDoubted;
  }

  /** Whether the streams may go on without another look-up. */
  get counts(): boolean {
    const { now, clock } = this.#options;
    return clock() < this.#countsUntil && now() < this.#expiresAt;
  }

  /** In how many ms the verdict has to be renewed. */
  get dueIn(): number {
    const { now, clock } = this.#options;
    return Math.max(0, Math.min(this.#countsUntil - clock(), this.#expiresAt - now()));
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

  /** From now on nothing is sent before the credential was judged again. */
  doubt(): void {
    this.#isDoubted = true;
    this.#countsUntil = -Infinity;
  }

  /** Judges the credential unless the last verdict still counts. Without a promise where nothing has to be read. */
  settle(): void | Promise<void> {
    return this.counts ? undefined : this.judge();
  }

  /**
   * Judges the credential, and ends its streams where it is refused. One question at a time: a store that hangs must not
   * gather them. Never throws or rejects.
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
          // What was read may be from before the change.
          return this.#isDoubted && this.#streams.size > 0 ? this.judge() : undefined;
        }));
    } catch (error) {
      this.#refuse(error);
      return undefined;
    }
  }

  #accept({ principal, lookupId, countsFor, expiresAt }: Standing): void {
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
    if (!this.#isDoubted) this.#countsUntil = this.#options.clock() + countsFor;
    for (const stream of this.#streams) {
      try {
        stream.judged(principal);
      } catch (error) {
        stream.end(error);
      }
    }
    this.#options.onJudged();
  }

  #refuse(error: unknown): void {
    this.#countsUntil = -Infinity;
    for (const stream of this.#streams) stream.end(error);
  }
}

/** The events of an open stream are those of the workspace and project that it was opened for. */
function isSameHolder(a: AuthenticatedPrincipal, b: AuthenticatedPrincipal): boolean {
  return a.keyId === b.keyId && a.workspaceId === b.workspaceId && a.projectId === b.projectId;
}

function otherHolder(): Error {
  return unavailable('The credential now belongs to another workspace or project. Open the stream again.', 1);
}
