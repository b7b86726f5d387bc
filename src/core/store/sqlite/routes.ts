import type { Engine } from './engine.js';

/**
 * The thread in which an operation runs:
 * - `here`: the calling thread. For reads of one record by its index: they take microseconds, a message to another
 *   thread takes longer, and requests wait for them;
 * - `reader`: one of several threads with a read-only connection;
 * - `writer`: the thread that writes.
 */
export type Route = 'here' | 'reader' | 'writer';

export const ROUTES: { readonly [Part in keyof Engine]: { readonly [Name in keyof Engine[Part]]: Route } } = {
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
  assets: {
    register: 'writer',
    find: 'here',
    findMany: 'reader',
    list: 'reader',
    findDownstream: 'reader',
    recordLoad: 'writer',
    recordLoads: 'writer',
    saveColumns: 'writer',
    openAlert: 'writer',
    closeAlert: 'writer',
    changeAlerts: 'writer',
    openAlerts: 'reader',
    columnsOf: 'reader',
    textsOf: 'reader',
  },
  events: { record: 'writer', list: 'reader' },
  slices: {
    keys: 'reader',
    keyCount: 'reader',
    families: 'reader',
    auditDated: 'reader',
    audit: 'reader',
    usage: 'reader',
  },
};
