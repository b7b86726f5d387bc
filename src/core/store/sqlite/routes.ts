import type { Engine } from './engine.js';
import type { RoutesOf } from './extension.js';

export const ROUTES: RoutesOf<Engine> = {
  keys: {
    insert: 'writer',
    findForVerification: 'here',
    nextLookupId: 'here',
    find: 'here',
    findMany: 'reader',
    documentsOf: 'reader',
    search: 'reader',
    rotate: 'writer',
    expire: 'writer',
    revoke: 'writer',
    revokeMany: 'writer',
    update: 'writer',
    saveDigest: 'writer',
    touch: 'writer',
    removeEnded: 'writer',
  },
  workspaces: { create: 'writer', ensure: 'writer', find: 'here', list: 'reader', setTier: 'writer' },
  projects: { create: 'writer', find: 'here', findMany: 'reader', list: 'reader', rename: 'writer' },
  users: { add: 'writer', find: 'here', findMany: 'reader', list: 'reader', update: 'writer', remove: 'writer' },
  audit: {
    append: 'writer',
    read: 'reader',
    head: 'here',
    heads: 'reader',
    base: 'here',
    archive: 'writer',
  },
  usage: { add: 'writer', fields: 'reader' },
  signingKeys: { publish: 'writer', find: 'here', list: 'reader' },
  guardedSchemas: { publish: 'writer', list: 'reader' },
  slices: {
    keys: 'reader',
    keyCount: 'reader',
    families: 'reader',
    auditDated: 'reader',
    audit: 'reader',
    usage: 'reader',
  },
};
