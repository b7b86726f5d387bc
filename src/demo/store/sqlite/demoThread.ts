import { parentPort, workerData } from 'node:worker_threads';
import { serveThread } from '../../../core/store/sqlite/thread.js';
import type { ThreadData } from '../../../core/store/sqlite/threadMessages.js';
import { SQLITE_PARTS } from './sqliteParts.js';

// The entry of the threads of a SQLite store with the built-in domain (core/store/sqlite/threads.ts).
if (parentPort === null) throw new Error('demoThread runs in a worker thread only.');
void serveThread(parentPort, workerData as ThreadData, SQLITE_PARTS);
