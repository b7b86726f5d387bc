import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadData } from './threadMessages.js';
import { serveThread } from './thread.js';

// The entry of the threads that a SQLite store starts (core/store/sqlite/threads.ts).
if (parentPort === null) throw new Error('sqliteThread runs in a worker thread only.');
void serveThread(parentPort, workerData as ThreadData);
