import type { Standing } from '../core/auth/standing.js';
import type { ForeignSource } from '../core/auth/headerFields.js';
import type { AnswerLimits } from '../core/guard/answer/answerLimits.js';
import type { RequestGuard } from '../core/guard/request/requestGuard.js';
import type { Limits } from '../core/limits/limits.js';
import { StreamGuard } from '../core/streams/streamGuard.js';
import type { Accounts } from './accounts.js';
import type { Foundation } from './foundation.js';

interface Parts {
  readonly limiter: Limits;
  readonly accounts: Accounts;
  readonly answer: AnswerLimits;
  readonly requests: RequestGuard;
  readonly standing: (source: ForeignSource) => Standing | Promise<Standing>;
}

/** Returns the guard of streams and connections that all adapters of one Latchkey share. */
export function streamGuardOf(
  { changes, now }: Foundation,
  { limiter, accounts, answer, requests, standing }: Parts,
): StreamGuard {
  const streams = new StreamGuard({
    authorizer: requests.authorizer,
    limits: limiter,
    log: accounts.verdicts,
    ...{ answer, standing, now },
    report: (error, context) => requests.report(error, context),
  });
  // Added after the listener of the caches, which must be invalidated before a credential is checked again.
  changes.listen((change) => streams.judge(change));
  return streams;
}
