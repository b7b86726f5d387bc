import { kindOf, shown } from '../../shared/optionChecks.js';

/** Times in seconds are below, and times in microseconds above. */
const EARLIEST = Date.UTC(1973, 0, 1);
const LATEST = Date.UTC(5000, 0, 1);

/**
 * Returns a clock of the time since 1970 that never returns anything else: the user's function is called once here, and each of
 * its results is checked. With a time that can't be compared, such as NaN, expired keys would be accepted.
 *
 * @param option such as `createLatchkey: now`
 * @throws TypeError, here and from the clock
 */
export function checkedTime(option: string, now: () => unknown): () => number {
  const must = 'It must return milliseconds since 1970 as a finite number, as Date.now does';
  return checked(option, now, must, (time) => time >= EARLIEST && time <= LATEST);
}

/** Like {@link checkedTime}, for a clock that may begin anywhere. */
export function checkedClock(option: string, clock: () => unknown): () => number {
  return checked(
    option,
    clock,
    'It must return milliseconds as a finite number, as performance.now does',
    Number.isFinite,
  );
}

function checked(option: string, clock: () => unknown, must: string, isRight: (time: number) => boolean): () => number {
  const read = (): number => {
    let time: unknown;
    try {
      time = clock();
    } catch (cause) {
      throw new TypeError(`${option} has thrown an error. ${must}.`, { cause });
    }
    if (typeof time === 'number' && isRight(time)) return time;
    const seen = typeof time === 'number' ? shown(time) : kindOf(time);
    // A Promise of a time was not meant to be awaited here, but may reject.
    if (time instanceof Promise) time.catch(() => undefined);
    throw new TypeError(`${option} has returned ${seen}. ${must}.`);
  };
  read();
  return read;
}
