/** @param {readonly number[]} values not empty */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Returns the nearest-rank percentile.
 *
 * @param {ArrayLike<number>} values not empty
 * @param {number} share such as 0.99
 */
export function percentile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}

/**
 * Returns the median of the ratios of the rounds, not the ratio of the medians: a slow phase of the machine affects
 * both values of a round alike.
 *
 * @param {readonly number[]} ours
 * @param {readonly number[]} theirs of the same rounds
 */
export function ratio(ours, theirs) {
  return median(ours.map((value, round) => value / theirs[round]));
}
