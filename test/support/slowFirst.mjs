import Sequencer from '@jest/test-sequencer';

/**
 * What takes longest, the longest first. Jest knows that from its last run, and a clean clone has had none: one of these that
 * began last would leave the other cores idle.
 */
const SLOWEST = [
  'matrix/matrix',
  'client/growth',
  'package/tarball',
  'dashboard/search',
  'dashboard/pages',
  'dashboard/signIn',
  'dashboard/keys',
  'client/pacing',
  'tracing/tracing',
  'http/rollingRestart',
  'caches/flood',
  'settings/startFaults',
  'store/mongo',
  'redis/faults',
  'cli/files',
  'cli/find',
  'cli/address',
  'cli/scan',
  'http/authors',
  'cluster/connections',
  'cluster/limits',
];

const rank = ({ path }) => {
  const index = SLOWEST.findIndex((name) => path.endsWith(`/test/${name}.test.ts`));
  return index === -1 ? SLOWEST.length : index;
};

export default class SlowFirst extends Sequencer {
  /** Stable: the others stay in the order that Jest gives them. */
  sort(tests) {
    return super.sort(tests).toSorted((a, b) => rank(a) - rank(b));
  }
}
