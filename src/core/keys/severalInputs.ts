import { badInput, Refusal } from '../errors/refusal.js';

/** The records that the inputs of one call have read. */
export class Reading {
  readonly #known = new Map<string, Promise<unknown>>();

  /** Reads a record, or returns the one that was read under this name. */
  once<T>(name: string, read: () => Promise<T>): Promise<T> {
    const known = this.#known.get(name) as Promise<T> | undefined;
    const value = known ?? read();
    if (known === undefined) this.#known.set(name, value);
    return value;
  }
}

/** Runs a check of one of several inputs, and adds the position of the input to the path of its refusal. */
export async function atPosition<T>(position: number, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { details, message } = error;
    if (details.code === 'BAD_USER_INPUT') {
      const { path, code: _, ...more } = details;
      throw badInput(['input', position, ...path.slice(1)], message, more);
    }
    throw new Refusal(`Key ${position + 1} of the list: ${message}`, details);
  }
}
