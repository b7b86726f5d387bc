import { randomBytes } from 'node:crypto';
import mongoose from 'mongoose';
import { shell } from '../support/shell.js';
import { until } from '../support/until.js';

/** A MongoDB-compatible engine on loopback. */
export interface Engine {
  /** Its address, with a new database. */
  readonly uri: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with its stored data. */
  start(): Promise<void>;
  /** Drops the database. */
  drop(): Promise<void>;
}

/** Enough for the first start of an engine, in ms. */
const SHELL_TIMEOUT = 300_000;

const { MONGODB_URI, LATCHKEY_TEST_MONGO_START: START, LATCHKEY_TEST_MONGO_KILL: KILL } = process.env;

/**
 * The engine of MONGODB_URI, or the one that the shell command LATCHKEY_TEST_MONGO_START starts. That command prints the address in
 * its last line, and leaves a durable engine running. LATCHKEY_TEST_MONGO_KILL kills this engine with SIGKILL.
 */
export async function theEngine(): Promise<Engine> {
  const uri = new URL(START === undefined ? (MONGODB_URI ?? '') : await lastLine('LATCHKEY_TEST_MONGO_START', START));
  uri.pathname = `/latchkey_chaos_${randomBytes(6).toString('hex')}`;
  const engine = {
    uri: uri.toString(),
    async kill(): Promise<void> {
      await lastLine('LATCHKEY_TEST_MONGO_KILL', KILL);
    },
    async start(): Promise<void> {
      await lastLine('LATCHKEY_TEST_MONGO_START', START);
      await answers(engine.uri);
    },
    async drop(): Promise<void> {
      const connection = mongoose.createConnection(engine.uri);
      try {
        await connection.asPromise();
        await connection.dropDatabase();
      } finally {
        // Otherwise it would keep Jest running if the engine did not start again.
        await connection.close();
      }
    },
  };
  await answers(engine.uri);
  return engine;
}

async function answers(uri: string): Promise<void> {
  await until(async () => {
    const connection = mongoose.createConnection(uri, { serverSelectionTimeoutMS: 1_000 });
    try {
      await connection.asPromise();
      return (await connection.db?.command({ ping: 1 }))?.ok === 1;
    } catch {
      return false;
    } finally {
      await connection.close();
    }
  }, `${uri} answers`);
}

/** @returns the last line that a command printed. @throws if it is not set or fails */
async function lastLine(name: string, command: string | undefined): Promise<string> {
  if (command === undefined) throw new Error(`${name} is not set. Set it to a shell command: see CONTRIBUTING.md.`);
  const { status, stdout, stderr } = await shell(command, SHELL_TIMEOUT);
  if (status === null) throw new Error(`${name} did not end within ${SHELL_TIMEOUT / 1_000} s:\n${stderr}`);
  if (status !== 0) throw new Error(`${name} ended with ${status}:\n${stderr}`);
  return stdout.trim().split('\n').at(-1) ?? '';
}
