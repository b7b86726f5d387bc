import type { SqliteExtension } from '../../../core/store/sqlite/extension.js';
import type { DemoStore } from '../demoStore.js';
import { openAssets } from './assets.js';
import { openEvents } from './events.js';
import { migrateDemo } from './tables.js';

/** The built-in domain in a SQLite store. */
export const SQLITE_PARTS: SqliteExtension<DemoStore> = {
  thread: 'demoThread',
  routes: {
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
  },
  migrate: migrateDemo,
  open: (connection) => ({ assets: openAssets(connection), events: openEvents(connection) }),
};
