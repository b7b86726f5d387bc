import type { Actor, Origin } from '../../core/keys/actor.js';
import { Authors } from '../../core/keys/author.js';
import type { ConfiguredRecord } from '../../core/keys/configured.js';
import { checkReason, isId } from '../../core/keys/keyInput.js';
import { badInput, notFound } from '../../core/errors/refusal.js';
import { checkedQuotas } from '../../core/quotas/checkQuotas.js';
import type { Quota } from '../../core/quotas/quota.js';
import type { Roles } from '../../core/scopes/roles.js';
import { isEmpty, OVERRIDE_KINDS, type LimitOverride, type OverrideSubject } from '../../core/store/records.js';
import type { Store } from '../../core/store/store.js';
import { checkPage, pageOf, type Page } from '../schema/pageConnection.js';
import { findSubject, SUBJECTS, type FoundSubject, type NamedSubject } from './findSubject.js';

interface LimitsServiceOptions {
  readonly store: Pick<Store, 'keys' | 'users' | 'projects' | 'workspaces' | 'limits'>;
  /** The scopes of users' roles. Default: none. */
  readonly roles?: () => Pick<Roles, 'scopesOf'>;
  /** The keys in the configuration. Default: they are not checked again after authorization. */
  readonly configured?: () => readonly ConfiguredRecord[];
  readonly now: () => number;
}

export interface SetLimitsInput {
  readonly subject: NamedSubject;
  readonly rate?: number | null;
  readonly burst?: number | null;
  /** The quotas of the subject, which replace all quotas that its tier has for it. */
  readonly quotas?: readonly Omit<Quota, 'subject'>[] | null;
  readonly until?: number | null;
  readonly reason?: string | null;
}

/** Returns the quotas as they are stored. @throws Refusal BAD_USER_INPUT */
function checkQuotas({ quotas, subject: { type } }: SetLimitsInput): string | null {
  if (quotas == null) return null;
  try {
    return JSON.stringify(
      checkedQuotas(
        'quotas',
        quotas.map((quota) => ({ ...quota, subject: SUBJECTS[type] })),
      ),
    );
  } catch (error) {
    if (error instanceof TypeError) throw badInput(['input', 'quotas'], `${error.message}.`.replace('..', '.'));
    throw error;
  }
}

/** The highest limit: the largest Int of GraphQL. */
const HIGHEST = 2 ** 31 - 1;

/** Limits of single keys, owners, projects and workspaces that replace the limits of their tiers. */
export class LimitsService {
  readonly #options: LimitsServiceOptions;
  readonly #authors: Authors;

  constructor(options: LimitsServiceOptions) {
    this.#options = options;
    this.#authors = new Authors(options);
  }

  /**
   * Sets the limits of a subject, replacing the limits that were set before. Without a rate, a burst and quotas, the limits of the tier
   * apply again. The actor can access every workspace.
   *
   * @returns the override; null if the subject has none now
   * @throws {@link Refusal} NOT_FOUND, BAD_USER_INPUT
   */
  async set(actor: Actor, input: SetLimitsInput, origin?: Origin): Promise<LimitOverride | null> {
    const { store, now } = this.#options;
    const at = now();
    const { subject: named, projectId, ...subject } = await this.#find(actor, input.subject);
    const override: LimitOverride = {
      ...subject,
      rate: checkLimit('rate', input.rate ?? null),
      burst: checkLimit('burst', input.burst ?? null),
      quotas: checkQuotas(input),
      until: checkEnd(input.until ?? null, at),
      reason: input.reason == null ? null : checkReason(input.reason),
      setBy: actor.keyId,
      setAt: at,
    };
    await this.#authors.act(actor, origin, (author) =>
      store.limits.set(override, { at, author, subject: named, projectId }),
    );
    return isEmpty(override) ? null : override;
  }

  /**
   * Lists the overrides of a workspace, including ended ones.
   *
   * @throws {@link Refusal} BAD_USER_INPUT (first)
   */
  async list(workspaceId: string, first: number, after: OverrideSubject | null): Promise<Page<LimitOverride>> {
    checkPage(first);
    const rows = isId(workspaceId)
      ? await this.#options.store.limits.list(workspaceId, { first: first + 1, after })
      : [];
    return pageOf(rows, first, after);
  }

  async #find({ workspaceId }: Actor, named: NamedSubject): Promise<FoundSubject> {
    const found = await findSubject(this.#options.store, named, { path: ['input', 'subject'], workspaceId });
    if (found === null) throw notFound(named.type === 'external' ? 'workspace' : named.type);
    if (found.kind === named.type) return found;
    throw badInput(
      ['input', 'subject'],
      `The user has the external ID ${found.subjectId}, which owns the user's keys. Set the limits of the external ID.`,
    );
  }
}

function checkLimit(name: 'rate' | 'burst', limit: number | null): number | null {
  if (limit === null || (Number.isSafeInteger(limit) && limit >= 1 && limit <= HIGHEST)) return limit;
  throw badInput(
    ['input', name],
    `Invalid ${name}. Give a whole number from 1 to ${HIGHEST}, or null for the limit of the tier.`,
  );
}

function checkEnd(until: number | null, now: number): number | null {
  if (until === null || until > now) return until;
  throw badInput(
    ['input', 'until'],
    'This time has passed. Give a time in the future, or omit until for limits that do not end.',
  );
}

/** Returns the cursor of an override. */
export function cursorOf({ kind, subjectId }: OverrideSubject): string {
  return Buffer.from(`${kind} ${subjectId}`).toString('base64url');
}

/** @throws {@link Refusal} BAD_USER_INPUT */
export function positionOf(cursor: string): OverrideSubject {
  const [kind, ...rest] = Buffer.from(cursor.slice(0, 300), 'base64url').toString().split(' ');
  const known = OVERRIDE_KINDS.find((each) => each === kind);
  if (known === undefined || rest.length !== 1) throw badInput(['after'], 'Invalid cursor.');
  return { kind: known, subjectId: rest[0] ?? '' };
}
