import { SettingsError } from './error.js';

/** Collects the faults of several checks, so that one error names all of them. */
export class FaultCollector {
  readonly #faults: string[] = [];

  /** Whether no check has failed so far. */
  get isEmpty(): boolean {
    return this.#faults.length === 0;
  }

  add(error: SettingsError): void {
    this.#faults.push(...error.faults);
  }

  /** Runs a check, and returns undefined if it throws a SettingsError. Other errors are thrown. */
  run<T>(check: () => T): T | undefined {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      this.add(error);
      return undefined;
    }
  }

  /** @throws SettingsError with all faults, if there are any */
  assertNone(): void {
    if (!this.isEmpty) throw new SettingsError(this.#faults);
  }
}
