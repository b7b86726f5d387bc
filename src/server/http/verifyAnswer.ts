import type {
  Active,
  Inactive,
  InactiveReason,
  Left,
  Verification,
} from '../../core/auth/verification/verification.js';
import type { AuthenticatedPrincipal } from '../../core/auth/principal.js';
import { BURST_WINDOW, RATE_WINDOW, type Room, type WindowRoom } from '../../core/limits/window.js';
import type { MeterState } from '../../core/quotas/meterState.js';

/** The names of the reasons in the API. */
const REASONS: Readonly<Record<InactiveReason, string>> = {
  revoked: 'revoked',
  expired: 'expired',
  user_left: 'user_left',
  address: 'address_not_allowed',
  documents: 'bound_to_documents',
  scope: 'insufficient_scope',
  limit: 'rate_limited',
  quota: 'quota_exceeded',
  cost: 'cost_exceeds_limit',
};

/**
 * Returns the response for one token (RFC 7662 section 2.2). The names are those of JWT claims where such exist. The response is the same
 * for a token that doesn't exist, a token of another workspace, and a wrong token.
 */
export function verificationAnswer(verification: Verification): object {
  if (verification.active) return activeAnswer(verification);
  if (verification.reason === null) return { active: false };
  if (verification.reason !== 'unchecked') return inactiveAnswer(verification);
  const { details } = verification.refusal;
  const retry = 'retryAfter' in details ? { retry_after: details.retryAfter } : {};
  return { active: false, reason: 'unchecked', ...retry };
}

function activeAnswer({ principal, key, expiresAt, left }: Active): object {
  return {
    active: true,
    token_type: 'Bearer',
    ...holderOf(principal),
    scope: principal.scopes.join(' '),
    plan: principal.tier,
    ...(expiresAt !== null && { exp: Math.floor(expiresAt / 1_000) }),
    ...(key !== null && {
      iat: Math.floor(key.createdAt / 1_000),
      name: key.name,
      environment: key.environment.toLowerCase(),
      type: key.type,
    }),
    limits: limitsOf(left),
  };
}

function inactiveAnswer({ reason, principal, missing, retryAfter, left }: Inactive): object {
  return {
    active: false,
    reason: REASONS[reason],
    ...holderOf(principal),
    ...(missing.length > 0 && { missing_scope: missing.join(' ') }),
    ...(retryAfter !== null && { retry_after: retryAfter }),
    ...(left !== null && { limits: limitsOf(left) }),
  };
}

function holderOf({ keyId, userId, workspaceId, projectId }: AuthenticatedPrincipal): object {
  return {
    sub: keyId,
    key_id: keyId,
    workspace: workspaceId,
    ...(projectId !== null && { project: projectId }),
    ...(userId !== null && { user: userId }),
  };
}

function limitsOf({ room, otherRooms, quotas }: Left): object {
  const counted = quotas.filter(({ meter }) => meter.kind === 'quota');
  const balance = quotas.find(({ meter }) => meter.kind === 'credits');
  return {
    ...windowsOf(room),
    ...Object.fromEntries(otherRooms.map((each) => [each.of, windowsOf(each)])),
    ...(counted.length > 0 && { quotas: counted.map(quotaOf) }),
    ...(balance !== undefined && { credits: creditsOf(balance) }),
  };
}

function quotaOf({ meter, limit, used, remaining, resetsAt }: MeterState): object {
  const { subject, unit } = meter;
  const window = meter.kind === 'quota' ? meter.window : null;
  return { window, unit, subject, limit, used, remaining, resets_at: secondsOf(resetsAt) };
}

function creditsOf({ meter: { subject, unit }, remaining, resetsAt }: MeterState): object {
  return { unit, subject, remaining, ...(resetsAt !== null && { refills_at: secondsOf(resetsAt) }) };
}

/** Returns seconds since 1970, like the other times. */
function secondsOf(at: number | null): number | null {
  return at === null ? null : Math.floor(at / 1_000);
}

function windowsOf({ rate, burst }: Room): object {
  return { rate: windowOf(rate, RATE_WINDOW), burst: windowOf(burst, BURST_WINDOW) };
}

function windowOf({ limit, remaining, returnsInMs }: WindowRoom, length: number): object {
  const reset = returnsInMs === null ? {} : { reset: Math.max(1, Math.ceil(returnsInMs / 1_000)) };
  return { limit, remaining, window: length / 1_000, ...reset };
}
