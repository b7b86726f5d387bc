import { MARK, type Subject } from './world.js';

/**
 * Whom an operation concerns: whoever asks, all of the asker's own workspace, the project in question, its workspace, or all
 * of its workspace. What concerns all of one is not for keys that are bound to a part of it.
 */
export type Concern = 'asker' | "asker's workspace" | 'project' | 'workspace' | 'whole workspace';

export interface Asked {
  readonly concerns: Concern;
  /** The operation's arguments. */
  readonly given?: (subject: Subject, unique: string) => object;
  /** What a mutation uses up, and is made anew before each. */
  readonly usesUp?: 'key' | 'user';
}

const later = '2099-01-01T00:00:00Z';
const input = (make: (subject: Subject, unique: string) => object): Required<Pick<Asked, 'given'>> => ({
  given: (subject, unique) => ({ input: make(subject, unique) }),
});
const asset = { concerns: 'project', ...input(({ project }) => ({ asset: 'orders', project })) } as const;

/** What each root field is asked. That none is missing is a test of its own. */
export const ASKED: Readonly<Record<string, Asked>> = {
  'Query.viewer': { concerns: 'asker' },
  'Query.tiers': { concerns: 'asker' },
  'Query.apiKey': { concerns: 'project', given: ({ key }) => ({ id: key }) },
  'Query.apiKeys': { concerns: 'asker' },
  'Query.workspace': { concerns: 'asker' },
  'Query.project': { concerns: 'project', given: ({ project }) => ({ id: project }) },
  'Query.projects': { concerns: 'asker' },
  'Query.user': { concerns: 'whole workspace', given: ({ user }) => ({ id: user }) },
  'Query.users': { concerns: "asker's workspace" },
  'Query.auditLog': { concerns: 'asker' },
  'Query.explainAccess': { concerns: 'project', given: ({ key }) => ({ keyId: key, document: '{ tiers { tier } }' }) },
  'Query.suggestScopes': { concerns: 'project', given: ({ key }) => ({ keyId: key }) },
  'Query.scopes': { concerns: 'asker' },
  'Query.events': { concerns: 'project', given: ({ project }) => ({ project }) },
  'Query.assets': { concerns: 'project', given: ({ project }) => ({ project }) },
  'Query.asset': { concerns: 'project', given: ({ project }) => ({ name: 'orders', project }) },
  'Mutation.createApiKey': {
    concerns: 'project',
    ...input(({ project }) => ({ name: 'made', scopes: ['read:assets'], projectId: project })),
  },
  'Mutation.rotateApiKey': { concerns: 'project', usesUp: 'key', ...input(({ key }) => ({ id: key })) },
  'Mutation.expireApiKey': { concerns: 'project', usesUp: 'key', ...input(({ key }) => ({ id: key, at: later })) },
  'Mutation.revokeApiKey': { concerns: 'project', usesUp: 'key', ...input(({ key }) => ({ id: key })) },
  'Mutation.updateApiKey': {
    concerns: 'project',
    usesUp: 'key',
    ...input(({ key }) => ({ id: key, scopes: ['read:all'] })),
  },
  'Mutation.createProject': { concerns: "asker's workspace", ...input((_, unique) => ({ name: unique })) },
  'Mutation.renameProject': {
    concerns: 'whole workspace',
    ...input(({ project }) => ({ id: project, name: `Shop ${MARK}` })),
  },
  'Mutation.addUser': { concerns: "asker's workspace", ...input((_, name) => ({ name, roles: ['viewer'] })) },
  'Mutation.updateUser': { concerns: 'whole workspace', ...input(({ user }) => ({ id: user, roles: ['viewer'] })) },
  'Mutation.removeUser': { concerns: 'whole workspace', usesUp: 'user', ...input(({ user }) => ({ id: user })) },
  'Mutation.createWorkspace': { concerns: 'asker', ...input((_, name) => ({ name, tier: 'ENTERPRISE' })) },
  'Mutation.setWorkspaceTier': {
    concerns: 'workspace',
    ...input(({ workspace }) => ({ workspaceId: workspace, tier: 'ENTERPRISE' })),
  },
  'Mutation.recordEvents': {
    concerns: 'project',
    given: ({ project }, id) => ({ input: [{ id: id.replace(' ', '-'), type: 'seen' }], project }),
  },
  'Subscription.assetChanged': { concerns: 'project', given: ({ project }) => ({ project }) },
  'Subscription.alertOpened': { concerns: 'project', given: ({ project }) => ({ project }) },
  'Subscription.keyEvents': { concerns: 'asker' },
  'Mutation.registerAsset': {
    concerns: 'project',
    ...input(({ project }) => ({ name: 'orders', upstream: ['raw'], description: `orders ${MARK}`, project })),
  },
  'Mutation.recordLoad': asset,
  'Mutation.refreshFreshness': { concerns: 'project', given: ({ project }) => ({ asset: 'orders', project }) },
  'Mutation.refreshSchema': {
    concerns: 'project',
    ...input(({ project }) => ({ asset: 'orders', columns: [{ name: 'id', type: 'int' }], project })),
  },
};
