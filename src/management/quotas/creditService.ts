import { badInput, notFound } from '../../core/errors/refusal.js';
import type { Actor, Origin } from '../../core/keys/actor.js';
import { Authors } from '../../core/keys/author.js';
import type { ConfiguredRecord } from '../../core/keys/configured.js';
import { checkExternalId, isId } from '../../core/keys/keyInput.js';
import { rowOf, type TierTable } from '../../core/limits/tiers.js';
import { creditsId, subjectId } from '../../core/quotas/quotaMeter.js';
import { dueRefill } from '../../core/quotas/period.js';
import type { Credits, QuotaSubject } from '../../core/quotas/quota.js';
import type { Roles } from '../../core/scopes/roles.js';
import { MAX_BALANCE } from '../../core/store/quotaStore.js';
import type { Store } from '../../core/store/store.js';

interface CreditServiceOptions {
  readonly store: Pick<Store, 'keys' | 'workspaces' | 'projects' | 'users' | 'quotas'>;
  /** The scopes of users' roles. Default: none. */
  readonly roles?: () => Pick<Roles, 'scopesOf'>;
  /** The keys in the configuration. Default: they are not checked again. */
  readonly configured?: () => readonly ConfiguredRecord[];
  readonly tiers: TierTable;
  readonly now: () => number;
}

export interface AddCreditsInput {
  readonly subject: QuotaSubject;
  /** The ID of the key, user, project or workspace, or an external ID for `owner`. */
  readonly id: string;
  /** The workspace of an external ID. Default: the actor's workspace. */
  readonly workspaceId?: string | null;
  readonly amount: number;
  readonly idempotencyKey: string;
}

/** The balance after the call, without units that processes have leased. */
export interface CreditsAdded {
  readonly balance: number;
  /** Whether this call added them, and not an earlier call with the same key. */
  readonly added: boolean;
}

/** The owner of a balance: a key family, a user, a project or a workspace. */
interface Holder {
  /** For a key, the ID of its family, so that the balance passes on to its successors. */
  readonly id: string;
  readonly workspaceId: string;
}

/** Each ID of a user begins with it. Most other IDs of an owner are external ones. */
const USER_PREFIX = 'usr_';

const KEY_PATTERN = /^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/;

/** Adds credits to the balances that requests are paid from. */
export class CreditService {
  readonly #options: CreditServiceOptions;
  readonly #authors: Authors;

  constructor(options: CreditServiceOptions) {
    this.#options = options;
    this.#authors = new Authors(options);
  }

  /**
   * Adds credits once, however often it is called with the same key.
   *
   * @throws Refusal NOT_FOUND, BAD_USER_INPUT
   */
  async add(actor: Actor, input: AddCreditsInput, origin?: Origin): Promise<CreditsAdded> {
    const { store, now } = this.#options;
    checkInput(input);
    const { subject, id, amount, idempotencyKey: key } = input;
    const holder = await this.#holderOf(actor, input);
    const { refill } = await this.#creditsOf(holder, subject);
    const at = now();
    const added = await this.#authors.act(actor, origin, (author) =>
      store.quotas.addCredits(
        {
          id: creditsId(subjectId(subject, holder.workspaceId, holder.id)),
          ...{ workspaceId: holder.workspaceId, subject: id, amount, key, at },
          refill: refill && dueRefill(refill, at),
        },
        author,
      ),
    );
    if (added.outcome === 'tooMuch') {
      throw badInput(['input', 'amount'], `The balance is ${added.balance}, and can be at most ${MAX_BALANCE}.`);
    }
    if (added.outcome === 'repeated' && added.amount !== amount) {
      throw badInput(
        ['input', 'idempotencyKey'],
        `An earlier call with this key added ${added.amount}. Use a new key for another addition.`,
      );
    }
    return { balance: added.balance, added: added.outcome === 'added' };
  }

  /** @throws Refusal NOT_FOUND, BAD_USER_INPUT */
  async #holderOf(actor: Actor, { subject, id, workspaceId = null }: AddCreditsInput): Promise<Holder> {
    if (subject === 'owner') return this.#ownerOf(actor, id, workspaceId);
    if (workspaceId !== null) {
      throw badInput(['input', 'workspaceId'], 'Only an external ID needs a workspaceId. Leave it out.');
    }
    if (!isId(id)) throw notFound(NOUNS[subject]);
    const { keys, projects, workspaces } = this.#options.store;
    switch (subject) {
      case 'key': {
        const key = await keys.find(id, null);
        if (key === null) throw notFound('key');
        return { id: key.familyId, workspaceId: key.workspaceId };
      }
      case 'project':
        return found(await projects.find(id), subject);
      case 'workspace':
        if ((await workspaces.find(id)) === null) throw notFound('workspace');
        return { id, workspaceId: id };
    }
  }

  /**
   * Returns the user with an ID, or the external ID. An external ID can look like the ID of a user. Without a user, it must be the external
   * ID of a key, because credits would otherwise be lost to a mistyped ID.
   *
   * @param workspaceId the workspace of an external ID; null for the actor's workspace
   * @throws Refusal NOT_FOUND, BAD_USER_INPUT
   */
  async #ownerOf(actor: Actor, id: string, workspaceId: string | null): Promise<Holder> {
    const { keys, users } = this.#options.store;
    if (workspaceId !== null || !id.startsWith(USER_PREFIX))
      return this.#customer(id, workspaceId ?? actor.workspaceId);
    const user = isId(id) ? await users.find(id) : null;
    if (user !== null) return { id: user.externalId ?? user.id, workspaceId: user.workspaceId };
    const customer = await this.#customer(id, actor.workspaceId);
    const held = await keys.count(customer.workspaceId, { externalId: id }, this.#options.now());
    if (held === 0) throw notFound(NOUNS.owner);
    return customer;
  }

  /** @throws Refusal NOT_FOUND, BAD_USER_INPUT */
  async #customer(externalId: string, workspaceId: string): Promise<Holder> {
    checkExternalId(externalId, ['input', 'id']);
    if (!isId(workspaceId) || (await this.#options.store.workspaces.find(workspaceId)) === null) {
      throw notFound('workspace');
    }
    return { id: externalId, workspaceId };
  }

  /** Without this check, credits could be sold that nothing is ever taken from. @throws Refusal BAD_USER_INPUT */
  async #creditsOf({ workspaceId }: Holder, subject: QuotaSubject): Promise<Credits> {
    const { store, tiers } = this.#options;
    const workspace = await store.workspaces.find(workspaceId);
    if (workspace === null) throw notFound('workspace');
    const { credits } = rowOf(tiers, workspace.tier);
    if (credits?.subject === subject) return credits;
    const has = credits === null ? 'has no credits' : `has credits of the ${NOUNS[credits.subject]}`;
    throw badInput(
      ['input', 'subject'],
      `The tier ${workspace.tier} ${has}. Change credits of the tier, or the tier of the workspace.`,
    );
  }
}

const NOUNS: Readonly<Record<QuotaSubject, string>> = {
  key: 'key',
  owner: 'user',
  project: 'project',
  workspace: 'workspace',
};

function found<Record extends Holder>(record: Record | null, subject: QuotaSubject): Record {
  if (record === null) throw notFound(NOUNS[subject]);
  return record;
}

/** @throws Refusal BAD_USER_INPUT */
function checkInput({ amount, idempotencyKey }: AddCreditsInput): void {
  if (!Number.isSafeInteger(amount) || amount < 1) {
    throw badInput(['input', 'amount'], 'The amount must be at least 1.');
  }
  if (!KEY_PATTERN.test(idempotencyKey)) {
    throw badInput(
      ['input', 'idempotencyKey'],
      'The key must have 1 to 64 visible ASCII characters, such as the number of an invoice.',
    );
  }
}
