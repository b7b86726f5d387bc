/**
 * Measures every subject once in each round, in alternating order, so that neither the load of the machine nor the
 * position favours a subject.
 *
 * @template T
 * @param {number} rounds
 * @param {Readonly<Record<string, () => T | Promise<T>>>} subjects what yields one sample of each
 * @returns {Promise<Record<string, T[]>>} samples by subject, in the order of the rounds
 */
export async function alternate(rounds, subjects) {
  const names = Object.keys(subjects);
  const samples = Object.fromEntries(names.map((name) => [name, /** @type {T[]} */ ([])]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) samples[name].push(await subjects[name]());
  }
  return samples;
}

/**
 * One part of each sample.
 * @template T
 * @param {Readonly<Record<string, readonly T[]>>} samples
 * @param {(sample: T) => number} part
 */
export function each(samples, part) {
  return Object.fromEntries(Object.entries(samples).map(([name, list]) => [name, list.map(part)]));
}
