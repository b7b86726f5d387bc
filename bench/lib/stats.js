/** @param {readonly number[]} values not empty */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The nearest-rank percentile.
 * @param {ArrayLike<number>} values not empty
 * @param {number} share as in 0.99
 */
export function percentile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}

/**
 * The median of the ratios round by round, not the ratio of the medians: what slows the machine for a while slows the
 * two halves of one round alike.
 * @param {readonly number[]} ours
 * @param {readonly number[]} theirs of the same rounds
 */
export function ratio(ours, theirs) {
  return median(ours.map((value, round) => value / theirs[round]));
}
