/** Maximum number of waiting jobs, for all workspaces and for one, so that no workspace can fill the queue by itself. */
const MAX_WAITING = 10_000;
const MAX_OF_ONE = 1_000;

/** A bounded queue in which workspaces take turns, so that none waits for all jobs of another. */
export class FairQueue<Job> {
  /** Jobs by workspace; the next workspace comes first. */
  readonly #waiting = new Map<string, Set<Job>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns whether there was room */
  add(turn: string, job: Job): boolean {
    const jobs = this.#waiting.get(turn) ?? new Set();
    if (this.#size >= MAX_WAITING || jobs.size >= MAX_OF_ONE) return false;
    this.#waiting.set(turn, jobs.add(job));
    this.#size += 1;
    return true;
  }

  /**
   * Removes and returns the next job.
   *
   * @param fits returns whether the next job fits; otherwise the job stays in the queue and null is returned
   */
  take(fits: (job: Job) => boolean = () => true): Job | null {
    const [first] = this.#waiting;
    if (first === undefined) return null;
    const [turn, jobs] = first;
    const [job] = jobs;
    if (job === undefined || !fits(job)) return null;
    this.remove(turn, job);
    // Moves the workspace to the end.
    if (jobs.size > 0 && this.#waiting.delete(turn)) this.#waiting.set(turn, jobs);
    return job;
  }

  remove(turn: string, job: Job): void {
    const jobs = this.#waiting.get(turn);
    if (jobs?.delete(job) !== true) return;
    this.#size -= 1;
    if (jobs.size === 0) this.#waiting.delete(turn);
  }

  /** Removes and returns all jobs. */
  clear(): Job[] {
    const jobs = [...this.#waiting.values()].flatMap((each) => [...each]);
    this.#waiting.clear();
    this.#size = 0;
    return jobs;
  }
}
