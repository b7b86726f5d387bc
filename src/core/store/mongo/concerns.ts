import mongoose, { type Connection } from 'mongoose';
import { CannotOpen, StoreUnavailable } from '../storeErrors.js';
import type { ReadConcern } from './sessions.js';

/** The options of a URI, parsed by the driver, that determine the consistency of reads and the durability of writes. */
interface Concerns {
  readonly readPreference?: { readonly mode: string };
  readonly readConcern?: { readonly level?: string };
  readonly writeConcern?: { readonly w?: unknown; readonly journal?: unknown; readonly j?: unknown };
  readonly directConnection?: boolean;
}

/**
 * Rejects options of a URI that are weaker than Latchkey's guarantees. They are not silently overridden, because the person who set them
 * expects an effect.
 *
 * @throws CannotOpen
 */
export function checkUri(uri: string): void {
  const concerns = concernsIn(uri);
  const found = concerns === null ? null : weaker(concerns);
  if (found !== null) throw unsafe(found.fault, found.remedy);
}

/** @returns null for an invalid URI. Connecting reports what is wrong with it. */
function concernsIn(uri: string): Concerns | null {
  try {
    return new mongoose.mongo.MongoClient(uri).options;
  } catch {
    return null;
  }
}

function weaker({ readPreference, readConcern, writeConcern }: Concerns): { fault: string; remedy: string } | null {
  const mode = readPreference?.mode ?? 'primary';
  if (mode !== 'primary') {
    return {
      fault: `sets readPreference=${mode}, but keys are read from the primary: a secondary may not know yet that a key was revoked`,
      remedy: 'Remove readPreference, or set it to primary.',
    };
  }
  const level = readConcern?.level ?? 'majority';
  if (level !== 'majority' && level !== 'linearizable') {
    return {
      fault: `sets readConcernLevel=${level}, but keys are read by majority: other reads may return writes that an election rolls back`,
      remedy: 'Remove readConcernLevel, or set it to majority or linearizable.',
    };
  }
  const w = writeConcern?.w ?? 'majority';
  if (w !== 'majority') {
    return {
      fault: `sets w=${JSON.stringify(w).slice(0, 50)}, but changes are acknowledged by the majority: an election may roll back other writes, such as a revocation`,
      remedy: 'Remove w, or set it to majority.',
    };
  }
  if ((writeConcern?.journal ?? writeConcern?.j ?? true) !== true) {
    return {
      fault: 'sets journal=false, but changes are written to the journal before they are acknowledged',
      remedy: 'Remove journal.',
    };
  }
  return null;
}

/** Returns the read concern for key lookups: stronger than majority only if the connection requests it. */
export function lookUpConcern(connection: Connection): ReadConcern {
  const { readConcern } = optionsOf(connection);
  return readConcern?.level === 'linearizable' ? 'linearizable' : 'majority';
}

/**
 * Rejects a direct connection to one of several members: after the election of another member, this one would still
 * respond to reads as a secondary, and the driver would not look for the primary.
 *
 * @throws CannotOpen
 */
export async function checkDirectConnection(connection: Connection): Promise<void> {
  if (optionsOf(connection).directConnection !== true) return;
  const { db } = connection;
  if (db === undefined) throw new StoreUnavailable(new Error('The connection is not open.'));
  const { setName, hosts } = (await db.admin().command({ hello: 1 })) as { setName?: unknown; hosts?: unknown };
  if (typeof setName !== 'string' || !Array.isArray(hosts) || hosts.length < 2) return;
  throw unsafe(
    `sets directConnection=true and names a member of the replica set ${JSON.stringify(setName.slice(0, 100))}: once another member is elected, this one may not know that a key was revoked`,
    'Remove directConnection.',
  );
}

/** Returns the error for a server that rejected a linearizable read; the same error if it did not respond. */
export function linearizableRefused(error: unknown): unknown {
  const refused = error instanceof StoreUnavailable && error.cause instanceof Error && 'code' in error.cause;
  if (!refused) return error;
  return unsafe(
    'sets readConcernLevel=linearizable, which the server refuses: only the members of a replica set have it',
    'Remove readConcernLevel, or use a replica set.',
    error,
  );
}

/** A connection passed by the caller may come from another copy of the driver. */
function optionsOf(connection: Connection): Concerns {
  return (connection.getClient() as { readonly options?: Concerns }).options ?? {};
}

function unsafe(fault: string, remedy: string, cause?: unknown): CannotOpen {
  return new CannotOpen(`The MongoDB URI ${fault}. ${remedy}`, fault, remedy, { cause });
}
