import type { AuthenticatedPrincipal } from '../credentials/principal.js';
import type { Limits } from '../limits/limits.js';
import { refusalOf } from '../limits/refuse.js';
import type { Verdicts } from './verdicts.js';

/** Takes one request of a key's limits, for what is no operation, and tells who counts. Rejects with Refusal where none is left. */
export async function takeOneRequest(
  principal: AuthenticatedPrincipal,
  limiter: Limits,
  verdicts: Verdicts,
): Promise<void> {
  const { familyId: family, tier } = principal;
  const admission = await limiter.admit({ family, tier, category: 'read' }, 1);
  const refusal = refusalOf(admission, 1);
  if (refusal !== null) {
    verdicts.refused(principal, refusal);
    throw refusal;
  }
  verdicts.admitted(principal, 1);
}
