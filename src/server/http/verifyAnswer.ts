import type { Active, Inactive, InactiveReason, Verification } from '../../core/auth/verification/verification.js';
import type { AuthenticatedPrincipal } from '../../core/auth/principal.js';
import { BURST_WINDOW, RATE_WINDOW, type Room, type WindowRoom } from '../../core/limits/window.js';

/** The reasons as the API names them. */
const REASONS: Readonly<Record<InactiveReason, string>> = {
  revoked: 'revoked',
  expired: 'expired',
  user_left: 'user_left',
  address: 'address_not_allowed',
  documents: 'bound_to_documents',
  scope: 'insufficient_scope',
  limit: 'rate_limited',
  cost: 'cost_exceeds_limit',
};

/**
 * Returns the response for one token (RFC 7662 section 2.2). The names are those of JWT claims where such exist. A token that
 * doesn't exist and one of another workspace have the same response, and so has a token that is wrong.
 */
export function verificationAnswer(verification: Verification): object {
  if (verification.active) return activeAnswer(verification);
  if (verification.reason === null) return { active: false };
  if (verification.reason !== 'unchecked') return inactiveAnswer(verification);
  const { details } = verification.refusal;
  const retry = 'retryAfter' in details ? { retry_after: details.retryAfter } : {};
  return { active: false, reason: 'unchecked', ...retry };
}

function activeAnswer({ principal, key, expiresAt, room }: Active): object {
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
    limits: limitsOf(room),
  };
}

function inactiveAnswer({ reason, principal, missing, retryAfter, room }: Inactive): object {
  return {
    active: false,
    reason: REASONS[reason],
    ...holderOf(principal),
    ...(missing.length > 0 && { missing_scope: missing.join(' ') }),
    ...(retryAfter !== null && { retry_after: retryAfter }),
    ...(room !== null && { limits: limitsOf(room) }),
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

function limitsOf({ rate, burst }: Room): object {
  return { rate: windowOf(rate, RATE_WINDOW), burst: windowOf(burst, BURST_WINDOW) };
}

function windowOf({ limit, remaining, returnsInMs }: WindowRoom, length: number): object {
  const reset = returnsInMs === null ? {} : { reset: Math.max(1, Math.ceil(returnsInMs / 1_000)) };
  return { limit, remaining, window: length / 1_000, ...reset };
}
