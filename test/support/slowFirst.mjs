import Sequencer from '@jest/test-sequencer';

/**
 * The slowest files, the slowest first. Jest knows their times from its last run, but a clean clone has none. If one of
 * them started last, the other cores would be idle. The first two mostly wait, so files that keep a core busy follow.
 */
export const SLOWEST = [
  'client/pacing',
  'client/growth',
  'dashboard/pages',
  'dashboard/search',
  'matrix/matrix',
  'cli/outage',
  'conformance/nest',
  'dashboard/limits',
  'adapters/documentMemory',
  'core/store/mongoPlans',
  'package/tarball',
  'dashboard/signIn',
  'e2e/rollingRestart',
  'conformance/gateway',
  'package/nodeVersions',
  'dashboard/keys',
  'server/settings/startFaults',
  'server/tracing/tracing',
  'dashboard/usage',
  'processes/store/sqlite',
  'core/store/sqlite',
  'core/store/mongo',
  'server/redis/processes',
  'server/redis/faults',
  'server/cluster/connections',
  'e2e/process',
  'cli/creation',
  'server/cluster/limits',
  'e2e/sockets',
  'processes/import/http',
  'cli/service',
  'server/cluster/process',
  'server/cluster/reload',
  'server/redis/sharedLimits',
  'caches/flood',
  'conformance/mercurius',
  'deploying/docker',
  'examples/000_9aec6807129be322',
  'processes/outgoing/programs',
  'e2e/https',
  'docs/write-an-adapter',
  'e2e/streams.cost',
  'examples/003_9426f37ccbce99aa',
  'server/http/unfinishedBodies',
  'conformance/service',
  'core/auth/signing/derived',
  'server/gateway/uploads',
  'cli/exit',
  'processes/store/uncleanStop',
  'cli/scan',
  'docs/prose',
  'e2e/authors',
];

const rank = ({ path }) => {
  const index = SLOWEST.findIndex((name) => path.endsWith(`/test/${name}.test.ts`));
  return index === -1 ? SLOWEST.length : index;
};

export default class SlowFirst extends Sequencer {
  /** Stable: the other files keep Jest's order. */
  sort(tests) {
    return super.sort(tests).toSorted((a, b) => rank(a) - rank(b));
  }
}
