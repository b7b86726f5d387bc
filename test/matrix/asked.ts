import { MARK, STRONG_ROLE, type Strong, type Subject } from './world.js';

/**
 * The target of an operation: the caller, the caller's own key, which must be in the store, the caller's whole workspace, the subject's project, the subject's workspace,
 * or the whole workspace of the subject. Keys that are restricted to a project can't use operations on a whole
 * workspace.
 */
export type Concern = 'asker' | "asker's key" | "asker's workspace" | 'project' | 'workspace' | 'whole workspace';

export interface Asked {
  readonly concerns: Concern;
  /** The operation's arguments. */
  readonly given?: (subject: Subject, unique: string) => object;
  /** The record that a mutation uses up. It is created again before each run. */
  readonly usesUp?: 'key' | 'user';
  /** For a mutation: the rights that it can grant. See {@link Gift}. */
  readonly gives?: 'nothing' | readonly Gift[];
}

/** A grant by a mutation that concerns a key or user with the scope `platform`. */
export interface Gift {
  readonly what: string;
  /** The mutation's input. `strong` has a key and a user with `platform`, `subject` a key and a user without it. */
  readonly input: (subject: Subject, strong: Strong) => object;
}

const OTHER_DOCUMENT = 'b'.repeat(64);

/** The scope of derived tokens, which the caller's key must have. */
export const DERIVED_SCOPE = 'read:assets';

const later = '2099-01-01T00:00:00Z';
const input = (make: (subject: Subject, unique: string) => object): Required<Pick<Asked, 'given'>> => ({
  given: (subject, unique) => ({ input: make(subject, unique) }),
});
const asset = { concerns: 'project', ...input(({ project }) => ({ asset: 'orders', project })) } as const;

/** How each root field is called. Another test checks that none is missing. */
export const ASKED: Readonly<Record<string, Asked>> = {
  'Query.viewer': { concerns: 'asker' },
  'Query.tiers': { concerns: 'asker' },
  'Query.limitOverrides': { concerns: 'workspace', given: ({ workspace }) => ({ workspaceId: workspace }) },
  'Query.limitsOf': { concerns: 'project', given: ({ project }) => ({ subject: { type: 'PROJECT', id: project } }) },
  'Query.apiKey': { concerns: 'project', given: ({ key }) => ({ id: key }) },
  'Query.apiKeys': { concerns: 'asker' },
  'Query.findApiKeys': { concerns: 'asker', given: ({ key }) => ({ text: key }) },
  'Query.workspace': { concerns: 'asker' },
  'Query.project': { concerns: 'project', given: ({ project }) => ({ id: project }) },
  'Query.projects': { concerns: 'asker' },
  'Query.user': { concerns: 'whole workspace', given: ({ user }) => ({ id: user }) },
  'Query.users': { concerns: "asker's workspace" },
  'Query.auditLog': { concerns: 'asker' },
  'Query.auditHead': { concerns: "asker's workspace" },
  'Query.usage': { concerns: 'asker', given: () => ({ groupBy: 'KEY' }) },
  'Query.usageExport': { concerns: 'asker', given: () => ({ groupBy: 'KEY' }) },
  'Query.explainAccess': { concerns: 'project', given: ({ key }) => ({ keyId: key, document: '{ tiers { tier } }' }) },
  'Query.suggestScopes': { concerns: 'project', given: ({ key }) => ({ keyId: key }) },
  'Query.scopes': { concerns: 'asker' },
  'Query.events': { concerns: 'project', given: ({ project }) => ({ project }) },
  'Query.assets': { concerns: 'project', given: ({ project }) => ({ project }) },
  'Query.assetsConnection': { concerns: 'project', given: ({ project }) => ({ project }) },
  'Query.asset': { concerns: 'project', given: ({ project }) => ({ name: 'orders', project }) },
  'Mutation.createApiKey': {
    gives: [
      { what: 'a key with platform', input: () => ({ name: 'strong', scopes: ['platform'] }) },
      { what: 'platform among others', input: () => ({ name: 'strong', scopes: ['read:all', 'platform'] }) },
    ],
    concerns: 'project',
    ...input(({ project }) => ({ name: 'made', scopes: ['read:assets'], projectId: project })),
  },
  'Mutation.createApiKeys': {
    gives: [{ what: 'a key with platform', input: () => [{ name: 'strong', scopes: ['platform'] }] }],
    concerns: 'project',
    ...input(({ project }) => [{ name: 'made', scopes: ['read:assets'], projectId: project }]),
  },
  'Mutation.rotateApiKey': {
    gives: [
      { what: 'a new token', input: (_, { key }) => ({ id: key }) },
      { what: 'a new token at once', input: (_, { key }) => ({ id: key, overlap: 'PT0S' }) },
    ],
    concerns: 'project',
    usesUp: 'key',
    ...input(({ key }) => ({ id: key })),
  },
  'Mutation.expireApiKey': {
    gives: [{ what: 'a later end', input: (_, { key }) => ({ id: key, at: later }) }],
    concerns: 'project',
    usesUp: 'key',
    ...input(({ key }) => ({ id: key, at: later })),
  },
  'Mutation.revokeApiKey': {
    gives: 'nothing',
    concerns: 'project',
    usesUp: 'key',
    ...input(({ key }) => ({ id: key })),
  },
  'Mutation.updateApiKey': {
    gives: [
      { what: 'platform', input: ({ key }) => ({ id: key, scopes: ['platform'] }) },
      { what: 'more addresses', input: (_, { key }) => ({ id: key, allowedAddresses: [] }) },
      { what: 'other documents', input: (_, { key }) => ({ id: key, trustedDocuments: [OTHER_DOCUMENT] }) },
      { what: 'another name', input: (_, { key }) => ({ id: key, name: 'harmless' }) },
    ],
    concerns: 'project',
    usesUp: 'key',
    ...input(({ key }) => ({ id: key, scopes: ['read:all'] })),
  },
  // Every caller is refused a token with `platform`, so there is no result that the matrix could look for.
  'Mutation.deriveToken': {
    gives: 'nothing',
    concerns: "asker's key",
    ...input(() => ({ scopes: [DERIVED_SCOPE], ttl: 'PT1M' })),
  },
  'Mutation.createProject': {
    gives: 'nothing',
    concerns: "asker's workspace",
    ...input((_, unique) => ({ name: unique })),
  },
  'Mutation.renameProject': {
    gives: 'nothing',
    concerns: 'whole workspace',
    ...input(({ project }) => ({ id: project, name: `Shop ${MARK}` })),
  },
  'Mutation.addUser': {
    gives: [{ what: 'a user with platform', input: () => ({ name: 'strong', roles: [STRONG_ROLE] }) }],
    concerns: "asker's workspace",
    ...input((_, name) => ({ name, roles: ['viewer'] })),
  },
  'Mutation.updateUser': {
    gives: [
      { what: 'platform', input: ({ user }) => ({ id: user, roles: [STRONG_ROLE] }) },
      { what: 'another name', input: (_, { user }) => ({ id: user, name: 'harmless' }) },
    ],
    concerns: 'whole workspace',
    ...input(({ user }) => ({ id: user, roles: ['viewer'] })),
  },
  'Mutation.removeUser': {
    gives: 'nothing',
    concerns: 'whole workspace',
    usesUp: 'user',
    ...input(({ user }) => ({ id: user })),
  },
  'Mutation.createWorkspace': {
    gives: 'nothing',
    concerns: 'asker',
    ...input((_, name) => ({ name, tier: 'ENTERPRISE' })),
  },
  'Mutation.setWorkspaceTier': {
    gives: 'nothing',
    concerns: 'workspace',
    ...input(({ workspace }) => ({ workspaceId: workspace, tier: 'ENTERPRISE' })),
  },
  'Mutation.setLimits': {
    gives: 'nothing',
    concerns: 'workspace',
    ...input(({ workspace }) => ({ subject: { type: 'WORKSPACE', id: workspace }, rate: 1_000_000 })),
  },
  'Mutation.addCredits': {
    gives: 'nothing',
    concerns: 'workspace',
    ...input(({ workspace }, name) => ({ subject: 'WORKSPACE', id: workspace, amount: 1, idempotencyKey: name })),
  },
  'Mutation.recordEvents': {
    gives: 'nothing',
    concerns: 'project',
    given: ({ project }, id) => ({ input: [{ id: id.replace(' ', '-'), type: 'seen' }], project }),
  },
  'Subscription.assetChanged': { concerns: 'project', given: ({ project }) => ({ project }) },
  'Subscription.alertOpened': { concerns: 'project', given: ({ project }) => ({ project }) },
  'Subscription.keyEvents': { concerns: 'asker' },
  'Mutation.registerAsset': {
    gives: 'nothing',
    concerns: 'project',
    ...input(({ project }) => ({ name: 'orders', upstream: ['raw'], description: `orders ${MARK}`, project })),
  },
  'Mutation.recordLoad': { ...asset, gives: 'nothing' },
  'Mutation.refreshFreshness': {
    gives: 'nothing',
    concerns: 'project',
    given: ({ project }) => ({ asset: 'orders', project }),
  },
  'Mutation.refreshSchema': {
    gives: 'nothing',
    concerns: 'project',
    ...input(({ project }) => ({ asset: 'orders', columns: [{ name: 'id', type: 'int' }], project })),
  },
};
