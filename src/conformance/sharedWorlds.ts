/** How long a world stays open after a case, in ms, for the next one. */
const IDLE = 500;

interface Renewable {
  /** Returns false if the next case must not get this world. */
  renew(): boolean;
}

/** A world that is open until it is closed. */
export interface Opened<World> {
  readonly world: World;
  readonly close: () => Promise<void>;
}

/**
 * Worlds for many cases, because starting a server takes longer than most cases. Cases that run at the same time have different worlds, and
 * a case never gets a world in which another one failed.
 */
export class SharedWorlds<World extends Renewable> {
  readonly #idle = new Map<string, Opened<World> & { readonly timer: NodeJS.Timeout }>();

  /** @param kind equal for worlds with the same options */
  async use(kind: string, open: () => Promise<Opened<World>>, look: (world: World) => Promise<void>): Promise<void> {
    const opened = this.#take(kind) ?? (await open());
    let isAgainFresh = false;
    try {
      await look(opened.world);
      isAgainFresh = !this.#idle.has(kind) && opened.world.renew();
    } finally {
      if (isAgainFresh) this.#keep(kind, opened);
      else await opened.close();
    }
  }

  #take(kind: string): Opened<World> | undefined {
    const kept = this.#idle.get(kind);
    clearTimeout(kept?.timer);
    this.#idle.delete(kind);
    return kept;
  }

  /** It closes by itself, because a runner may call no function after the last case. */
  #keep(kind: string, { world, close }: Opened<World>): void {
    const timer = setTimeout(() => {
      this.#idle.delete(kind);
      void close();
    }, IDLE);
    this.#idle.set(kind, { world, close, timer });
  }
}
