/**
 * Catches errors of functions that users of the library pass as options. If such a function throws, or returns a
 * promise that rejects, this must not change a response or end the process. This module has no imports, so that the
 * client can use it too.
 */

/** How often a fault of the same option is reported, in ms. */
const INTERVAL = 10_000;

type Callback = (...given: never[]) => unknown;

/** The valid results of a function. */
interface Valid<T> {
  readonly isValid: (result: unknown) => result is T;
  /** Describes them, for the error. */
  readonly allowed: string;
  /** Used in place of an invalid result. */
  readonly otherwise: T;
}

/** The functions in the options of one export. */
export class Callbacks {
  readonly #what: string;
  readonly #report: ((fault: Error) => void) | undefined;
  readonly #clock: () => number;
  /** When a fault of each option was last reported. */
  readonly #reported = new Map<string, number>();

  /**
   * @param what the export, such as `createLatchkey`
   * @param report the option `log`, which receives the faults of other options. Default: `console.error`
   */
  constructor(what: string, report?: (fault: Error) => unknown, clock: () => number = () => performance.now()) {
    this.#what = what;
    this.#clock = clock;
    this.#report = report && this.contain('log', report);
  }

  /** Returns a function that calls `callback`, ignores its result and reports its errors. @param name the option */
  contain<F extends Callback>(name: string, callback: F): (...given: Parameters<F>) => void {
    return (...given) => this.call(name, () => callback(...given));
  }

  /** Returns an object whose `methods` call those of `target`, ignore the results and report the errors. */
  containAll<T extends object>(name: string, target: T, methods: readonly (keyof T & string)[]): T {
    const contained = methods.map((method) => [method, this.#containMethod(`${name}.${method}`, target, method)]);
    return Object.freeze(Object.fromEntries(contained)) as T;
  }

  /** Without a closure for each call: an observer is called several times for each request. */
  #containMethod<T extends object>(name: string, target: T, method: keyof T): (...given: never[]) => void {
    return (...given) => {
      try {
        this.#settle(name, (target[method] as Callback)(...given));
      } catch (error) {
        this.#failed(name, error);
      }
    };
  }

  /**
   * Calls a function, ignores its result and reports its errors. @param name the option, such as `observer.verified`
   */
  call(name: string, run: () => unknown): void {
    try {
      this.#settle(name, run());
    } catch (error) {
      this.#failed(name, error);
    }
  }

  /** Returns the result of a function if it is valid, and `otherwise` if not. */
  ask<T>(name: string, run: () => unknown, { isValid, allowed, otherwise }: Valid<T>): T {
    try {
      const result = run();
      if (isValid(result)) return result;
      this.#settle(name, result);
      this.#failed(name, new TypeError(`it must return ${allowed}`));
    } catch (error) {
      this.#failed(name, error);
    }
    return otherwise;
  }

  #settle(name: string, result: unknown): void {
    if (typeof result !== 'object' || result === null) return;
    if (typeof (result as { then?: unknown }).then !== 'function') return;
    Promise.resolve(result).catch((error: unknown) => this.#failed(name, error));
  }

  #failed(name: string, error: unknown): void {
    const [option = name] = name.split('.');
    const now = this.#clock();
    const before = this.#reported.get(option);
    if (before !== undefined && now - before < INTERVAL) return;
    this.#reported.set(option, now);
    const fault = new Error(`${this.#what}: ${name} failed: ${messageOf(error)}`, { cause: error });
    if (option !== 'log' && this.#report !== undefined) this.#report(fault);
    else toConsole(fault);
  }
}

function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : `it threw ${typeof error}, not an Error`;
  } catch {
    return 'it threw an error that cannot be read';
  }
}

function toConsole(fault: Error): void {
  try {
    // The option that receives errors is missing or fails itself.
    // oxlint-disable-next-line no-console
    console.error(fault);
  } catch {
    // There is no other place to report it.
  }
}
