import { tierTable } from '../../src/core/limits/tierTable.js';
import type { Credits } from '../../src/core/quotas/quota.js';
import { PUBLISHED_TIERS } from '../../src/core/limits/tierNames.js';
import { act } from '../e2e/operations.js';
import type { Issuer } from '../support/issuer.js';
import { createKey, OPERATOR_KEY, startService, type TestService } from '../support/service.js';
import { ROLES, type Role } from './rule.js';

/** The IDs that operations use, of existing records or of records that never existed. */
export interface Subject {
  readonly key: string;
  readonly project: string;
  readonly user: string;
  readonly workspace: string;
}

/** Records with more rights than most callers have. */
export interface Strong {
  /** A key that expires in an hour, is accepted from one address, and can run one document. */
  readonly key: string;
  /** A user whose role grants `platform`. */
  readonly user: string;
}

/** The role that grants `platform`. */
export const STRONG_ROLE = 'root';

/** Valid IDs without records. */
export const NEVER: Subject = {
  key: 'key_0000000000000000',
  project: 'prj_0000000000000000',
  user: 'usr_0000000000000000',
  workspace: 'ws_0000000000000000',
};

/** Part of the names in the subject's project. No request contains it. */
export const MARK = 'of-the-shop';
/** A part of the other names in the subject's workspace. */
export const WORKSPACE_MARK = 'of-the-house';

export const PLACES = ['workspace', 'project', 'other project', 'other workspace'] as const;
/** The place of a key, relative to the subject's project. */
export type Place = (typeof PLACES)[number];

export interface World {
  readonly service: TestService;
  /** The issuer of the accepted access tokens. */
  readonly issuer: Issuer;
  readonly subject: Subject;
  /** Users of each workspace by their only role. */
  user(role: Role, place: Place): string;
  /** Creates a key at a place. */
  make(place: Place, input: object): Promise<{ token: string; id: string }>;
  /** Creates a key and a user with `platform`, and a key and a user without it. */
  withStrong(): Promise<{ readonly service: TestService; readonly strong: Strong; readonly subject: Subject }>;
  /** Returns the number of entries in the audit log of the workspace, without those that a timer writes. */
  head(): Promise<number>;
  /** Returns the number of store operations since the last call. */
  asked(): number;
}

const CONFIGURED = Object.keys(ROLES).map((role) => ({ role, token: `configured-${role}-of-tests-0123456789` }));

/** The configured key of a role. */
export const configuredToken = (role: Role): string => CONFIGURED.find((key) => key.role === role)?.token ?? '';

/** Starts a service with two workspaces. One has two projects, and one of these is the subject's. */
export async function startWorld(configuration: string, issuer: Issuer): Promise<World> {
  // Other tests cover limits. No limit must be reached here.
  const wide = { keys: null, adminKeys: null, rate: 50_000_000, burst: 5_000_000 };
  const credits: Credits = {
    unit: 'requests',
    subject: 'workspace',
    refill: { amount: 2_000_000_000, every: 'month', anchorDay: 1 },
  };
  const service = await startService({
    env: {
      ADMIN_API_KEY: OPERATOR_KEY,
      LATCHKEY_CONFIG: configuration,
      // The tests send tens of thousands of requests and don't read the log.
      LOG_LEVEL: 'silent',
      // A key's record is read once, so all further reads of a request are those of its resolvers.
      AUTH_CACHE_TTL: '60000',
      ...Object.fromEntries(CONFIGURED.map(({ role, token }) => [`KEY_OF_${role.toUpperCase()}`, token])),
    },
    tiers: tierTable(
      Object.fromEntries(
        [...PUBLISHED_TIERS, 'ANONYMOUS' as const, 'KEY_CREATION' as const].map((tier) => [
          tier,
          // Needed by `addCredits`.
          tier === 'ENTERPRISE' ? { ...wide, credits } : wide,
        ]),
      ),
    ),
  });
  const owner = OPERATOR_KEY;
  const other = await act(service, 'createWorkspace', { name: 'Elsewhere', tier: 'ENTERPRISE' }, owner);
  const project = (await act(service, 'createProject', { name: `Shop ${MARK}` }, owner)).project.id;
  const sibling = (await act(service, 'createProject', { name: 'Sibling' }, owner)).project.id;
  const users = new Map<string, string>();
  for (const role of Object.keys(ROLES)) {
    const input = { name: `${role} ${WORKSPACE_MARK}`, roles: [role] };
    users.set(`here ${role}`, (await act(service, 'addUser', input, owner)).user.id);
    users.set(`there ${role}`, (await act(service, 'addUser', { ...input, name: role }, other.token)).user.id);
  }
  const user = (role: Role, place: Place): string =>
    users.get(`${place === 'other workspace' ? 'there' : 'here'} ${role}`) ?? '';
  const make: World['make'] = (place, input) => {
    const bound =
      place === 'project' ? { projectId: project } : place === 'other project' ? { projectId: sibling } : {};
    return createKey(service, { ...bound, ...input }, place === 'other workspace' ? other.token : owner);
  };
  const { id: key } = await make('project', { name: `key ${MARK}`, userId: user('editor', 'project') });
  for (const [name, upstream] of [
    ['raw', []],
    ['orders', ['raw']],
    ['report', ['orders']],
  ]) {
    await service.query('mutation ($input: RegisterAssetInput!) { registerAsset(input: $input) { name } }', {
      variables: { input: { name, upstream, description: `${String(name)} ${MARK}`, project } },
      token: owner,
    });
  }
  const workspace = (await service.query('{ workspace { id } }', { token: owner })).body.data.workspace.id;
  const { audit } = service.service.store;
  const append = audit.append.bind(audit);
  let gathered = 0;
  audit.append = async (entry) => {
    await append(entry);
    if (entry.workspaceId === workspace) gathered += 1;
  };
  return {
    service,
    issuer,
    subject: { key, project, user: user('viewer', 'workspace'), workspace },
    user,
    make,
    async withStrong() {
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
      const bounds = { expiresAt, allowedAddresses: ['192.0.2.1'], trustedDocuments: ['a'.repeat(64)] };
      const { id: strong } = await make('workspace', { name: 'strong', scopes: ['platform'], ...bounds });
      const { id: weak } = await make('workspace', { name: 'weak', scopes: ['read:all'] });
      const add = async (role: string): Promise<string> =>
        (await act(service, 'addUser', { name: role, roles: [role] }, owner)).user.id;
      const users = { strong: await add(STRONG_ROLE), weak: await add('viewer') };
      return {
        service,
        strong: { key: strong, user: users.strong },
        subject: { key: weak, project, user: users.weak, workspace },
      };
    },
    head: async () => ((await audit.head(workspace))?.seq ?? 0) - gathered,
    asked: countCalls(service),
  };
}

/** Operations of the timer, which writes data that was gathered in memory. */
const GATHERED = new Set(['keys.touch', 'keys.saveDigest', 'usage.add', 'audit.append']);

/** Counts all operations of the store. */
function countCalls({ service: { store } }: TestService): () => number {
  let calls = 0;
  for (const [part, operations] of Object.entries(store) as [
    string,
    Record<string, (...given: unknown[]) => unknown>,
  ][]) {
    if (typeof operations !== 'object') continue;
    for (const [name, operation] of Object.entries(operations)) {
      if (GATHERED.has(`${part}.${name}`)) continue;
      operations[name] = (...given) => {
        calls += 1;
        return operation(...given);
      };
    }
  }
  return () => {
    const counted = calls;
    calls = 0;
    return counted;
  };
}
