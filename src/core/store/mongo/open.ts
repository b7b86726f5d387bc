import mongoose, { type Connection, type Schema } from 'mongoose';
import { checkMilliseconds, checkNames, optionError } from '../../../shared/optionChecks.js';
import { StoreUnavailable } from '../storeErrors.js';
import type { Store } from '../store.js';
import type { UsageStore } from '../usageStore.js';
import { openAudit } from './audit.js';
import { Documents, eq } from './documents.js';
import { INDEX_TIMEOUT, type Collections, type MongoExtension } from './extension.js';
import {
  GUARDED_SCHEMA_UNIQUE,
  guardedSchemaSchema,
  openGuardedSchemas,
  type GuardedSchemaDocument,
} from './guardedSchemas.js';
import { repairFamilies, type Repair } from './repairFamilies.js';
import { Gate } from './gate.js';
import { Intents } from './intents.js';
import { openLimits, OVERRIDE_UNIQUE } from './limitOverrides.js';
import { openKeys } from './keys.js';
import { AUDIT_UNIQUE, Ledger } from './ledger.js';
import { keepMonitored } from './monitoring.js';
import { KEY_UNIQUE } from './places.js';
import { probeSchema, tryChange, type ProbeDocument } from './probe.js';
import { normaliseNames } from './normaliseNames.js';
import { openProjects, PROJECT_UNIQUE } from './projects.js';
import {
  auditHeadSchema,
  auditSchema,
  fieldsSchema,
  keySchema,
  overrideSchema,
  projectSchema,
  usageSchemas,
  userSchema,
  workspaceSchema,
  type AuditDocument,
  type AuditHeadDocument,
  type FieldsDocument,
  type KeyDocument,
  type OverrideDocument,
  type ProjectDocument,
  type UsageDocument,
  type UserDocument,
  type WorkspaceDocument,
} from './schemas.js';
import { checkDirectConnection, checkUri, linearizableRefused, lookUpConcern } from './concerns.js';
import type { ReadConcern } from './sessions.js';
import { foldHours, openUsage, USAGE_UNIQUE, type UsageCollections } from './usage.js';
import { openQuotas } from './quotas.js';
import {
  counterSchema,
  creditsSchema,
  QUOTA_UNIQUE,
  type CounterDocument,
  type CreditsDocument,
} from './quotaSchemas.js';
import {
  USAGE_BATCH_UNIQUE,
  USAGE_STATE_UNIQUE,
  usageBatchSchema,
  usageStateSchema,
  type UsageBatchDocument,
  type UsageStateDocument,
} from './usageJournal.js';
import { REPORT_UNIQUE, reportSchema, type ReportDocument } from './usageReport.js';
import { openSigningKeys, SIGNING_KEY_UNIQUE, signingKeySchema, type SigningKeyDocument } from './signingKeys.js';
import { openUsers, USER_UNIQUE } from './users.js';
import { openWorkspaces, WORKSPACE_UNIQUE } from './workspaces.js';

/**
 * The options of `openMongoStore`.
 *
 * @example
 * ```ts
 * import { openMongoStore, type MongoOptions } from 'latchkey/mongo';
 *
 * const options: MongoOptions = { uri: 'mongodb://127.0.0.1:27017/shop', timeout: 1_000 };
 * export const store = await openMongoStore(options);
 * ```
 */
export type MongoOptions = (
  | { readonly uri: string }
  /** The caller's Mongoose connection. close() leaves it open. */
  | { readonly connection: Connection }
) & {
  /**
   * How long a round trip may take before it fails with StoreUnavailable, in ms.
   *
   * @default 1800
   */
  readonly timeout?: number;
};

/** Below the two seconds that ping() promises. */
const TIMEOUT = 1800;
const CONNECT_TIMEOUT = 1_000;

/**
 * Opens the MongoDB engine (6.0 and later, also standalone: it needs no transactions), builds missing indexes and
 * finishes changes that a process left unfinished.
 *
 * @throws StoreUnavailable if the server does not respond; Error if the URI is invalid; CannotOpen for an option of the
 * URI that could allow a revoked key to be accepted
 * @example
 * ```ts
 * import mongoose from 'mongoose';
 * import { openMongoStore } from 'latchkey/mongo';
 *
 * const { connection } = await mongoose.connect('mongodb://127.0.0.1:27017/shop');
 * export const store = await openMongoStore({ connection });
 * ```
 */
export async function openMongoStore(options: MongoOptions): Promise<Store> {
  return openMongo(options);
}

/**
 * Opens the MongoDB engine as {@link openMongoStore} does, with additional parts.
 *
 * @param extension default: none
 */
export async function openMongo<Parts extends object = object>(
  options: MongoOptions,
  extension?: MongoExtension<Parts>,
): Promise<Store & Parts> {
  checkMongoOptions(options);
  const { timeout = TIMEOUT } = options;
  const gate = new Gate(timeout);
  const given: { readonly uri?: string; readonly connection?: Connection } = options;
  if (given.uri !== undefined) checkUri(given.uri);
  const connection = given.connection ?? connect(given.uri ?? '', timeout);
  let repair: Repair | undefined;
  let endMonitoring: (() => Promise<void>) | undefined;
  const close = async (): Promise<void> => {
    const wasOpen = gate.close();
    await endMonitoring?.();
    if (wasOpen && given.uri !== undefined) await connection.close();
    await repair?.done;
  };
  try {
    const { uri } = given;
    if (uri === undefined) await gate.pass(() => connection.asPromise());
    else {
      await gate.pass(() => connected(connection, uri, timeout), { timeout: 2 * timeout + CONNECT_TIMEOUT });
      endMonitoring = keepMonitored(connection, connectTimeout(timeout), () =>
        connection.openUri(uri, optionsBy(timeout)),
      );
    }
    await gate.pass(() => checkDirectConnection(connection));
    const assembled = await assemble(connection, gate, lookUpConcern(connection), extension);
    repair = assembled.repair;
    return { ...assembled.store, close } as unknown as Store & Parts;
  } catch (error) {
    await close();
    throw explained(error);
  }
}

function checkMongoOptions(options: MongoOptions): void {
  const what = 'openMongoStore';
  checkNames(what, options, ['uri', 'connection', 'timeout']);
  const { uri, connection, timeout } = { ...options } as Readonly<Record<string, unknown>>;
  if (uri !== undefined && (typeof uri !== 'string' || uri === '')) {
    throw optionError(`${what}: uri`, uri, 'a string that begins with mongodb:// or mongodb+srv://', true);
  }
  if (connection !== undefined && typeof Reflect.get(Object(connection) as object, 'asPromise') !== 'function') {
    throw optionError(`${what}: connection`, connection, 'a Mongoose connection');
  }
  if (timeout !== undefined) checkMilliseconds(`${what}: timeout`, timeout, 1);
  if ((uri === undefined) === (connection === undefined)) {
    throw new TypeError(
      `${what}: pass uri or connection, and not both. Given: ${uri === undefined ? 'neither' : 'both'}.`,
    );
  }
}

function connect(uri: string, timeout: number): Connection {
  return mongoose.createConnection(uri, optionsBy(timeout));
}

/**
 * Waits for the first connection. If no server responded in time, tries once more: a process that is busy starting may read a response too
 * late, and then the error would not say that the connection was refused.
 */
async function connected(connection: Connection, uri: string, timeout: number): Promise<void> {
  try {
    await connection.asPromise();
  } catch (error) {
    if (!isWithoutResponse(error)) throw error;
    await connection.openUri(uri, optionsBy(timeout));
  }
}

function isWithoutResponse(error: unknown): boolean {
  if (!(error instanceof mongoose.Error.MongooseServerSelectionError)) return false;
  const { reason } = error as {
    readonly reason?: { readonly servers?: ReadonlyMap<string, { readonly error: unknown }> };
  };
  const faults = [...(reason?.servers?.values() ?? [])].map((server) => server.error);
  return faults.every((fault) => fault == null || fault instanceof mongoose.mongo.MongoNetworkTimeoutError);
}

/** Timeout for each step of a new connection. A connection started during a network failure may never get a response. */
function connectTimeout(timeout: number): number {
  return Math.min(timeout, CONNECT_TIMEOUT);
}

function optionsBy(timeout: number): mongoose.ConnectOptions {
  return {
    serverSelectionTimeoutMS: timeout,
    connectTimeoutMS: connectTimeout(timeout),
    // An abandoned round trip keeps its socket until this timeout. It must not cut off the longest round trip.
    socketTimeoutMS: INDEX_TIMEOUT,
    bufferCommands: false,
    autoIndex: false,
    autoCreate: false,
  };
}

/** A URI that can't work is a configuration error, not a temporary outage. */
function explained(error: unknown): unknown {
  if (!(error instanceof StoreUnavailable && error.cause instanceof Error)) return error;
  const { name, message } = error.cause;
  if (!['MongoParseError', 'MongoInvalidArgumentError', 'MongoMissingCredentialsError'].includes(name)) return error;
  return new Error(`The MongoDB URI cannot be used: ${message}.`, { cause: error.cause });
}

async function assemble(
  connection: Connection,
  gate: Gate,
  lookUps: ReadConcern,
  extension?: MongoExtension<object>,
): Promise<{ readonly store: Omit<Store, 'close'>; readonly repair: Repair }> {
  const keys = new Documents<KeyDocument>(connection, gate, { name: 'Key', schema: keySchema, unique: KEY_UNIQUE });
  const workspaces = new Documents<WorkspaceDocument>(connection, gate, {
    name: 'Workspace',
    schema: workspaceSchema,
    unique: WORKSPACE_UNIQUE,
  });
  const projects = new Documents<ProjectDocument>(connection, gate, {
    name: 'Project',
    schema: projectSchema,
    unique: PROJECT_UNIQUE,
  });
  const users = new Documents<UserDocument>(connection, gate, {
    name: 'User',
    schema: userSchema,
    unique: USER_UNIQUE,
  });
  const entries = new Documents<AuditDocument>(connection, gate, {
    name: 'Audit',
    schema: auditSchema,
    unique: AUDIT_UNIQUE,
  });
  const heads = new Documents<AuditHeadDocument>(connection, gate, {
    name: 'AuditHead',
    schema: auditHeadSchema,
    unique: {},
  });
  const signingKeys = new Documents<SigningKeyDocument>(connection, gate, {
    name: 'SigningKey',
    schema: signingKeySchema,
    unique: SIGNING_KEY_UNIQUE,
  });
  const guardedSchemas = new Documents<GuardedSchemaDocument>(connection, gate, {
    name: 'GuardedSchema',
    schema: guardedSchemaSchema,
    unique: GUARDED_SCHEMA_UNIQUE,
  });
  const counters = new Documents<CounterDocument>(connection, gate, {
    name: 'QuotaCounter',
    schema: counterSchema,
    unique: QUOTA_UNIQUE,
  });
  const credits = new Documents<CreditsDocument>(connection, gate, {
    name: 'Credits',
    schema: creditsSchema,
    unique: QUOTA_UNIQUE,
  });
  const overrides = new Documents<OverrideDocument>(connection, gate, {
    name: 'LimitOverride',
    schema: overrideSchema,
    unique: OVERRIDE_UNIQUE,
  });
  const probes = new Documents<ProbeDocument>(connection, gate, { name: 'Probe', schema: probeSchema, unique: {} });
  // Runs concurrently, here and below, because the start waits for all of them, and creating a collection takes time in
  // an empty database.
  const collection: Collections = (name, schema, unique) => new Documents(connection, gate, { name, schema, unique });
  const [usage, further] = await Promise.all([
    assembleUsage(connection, gate),
    extension?.open(collection) ?? {},
    ...[keys, workspaces, projects, users, entries, signingKeys, guardedSchemas, counters, credits, overrides].map(
      (each) => each.buildIndexes(INDEX_TIMEOUT),
    ),
  ]);
  if (lookUps === 'linearizable') await tryLinearizable(workspaces);
  const ledger = new Ledger(entries, heads);
  const intents = new Intents({ keys, workspaces, projects, users, credits, overrides }, ledger);
  await intents.finishAll();
  const repair = await repairFamilies(keys);
  await normaliseNames({ keys, projects }, INDEX_TIMEOUT);
  const store = {
    ...further,
    keys: openKeys({ keys, workspaces, users, overrides, intents, lookUps }),
    workspaces: openWorkspaces(workspaces, intents),
    projects: openProjects(projects, intents),
    users: openUsers(users, intents),
    audit: openAudit(entries, heads, ledger, intents),
    usage,
    signingKeys: openSigningKeys(signingKeys),
    guardedSchemas: openGuardedSchemas(guardedSchemas),
    quotas: openQuotas({ counters, credits, intents }),
    limits: openLimits(overrides, workspaces, intents),
    async ping() {
      if (gate.refusesChanges) {
        await tryChange(probes);
        gate.changesWork();
      }
      // Reads by _id instead of sending the ping command: a gateway may respond to that without its database.
      else await workspaces.findOne({ _id: eq('') });
    },
  };
  return { store, repair };
}

/** @throws CannotOpen if the server has no linearizable reads: otherwise each lookup would fail */
async function tryLinearizable(workspaces: Documents<WorkspaceDocument>): Promise<void> {
  try {
    await workspaces.findOne({ _id: eq('') }, 'linearizable');
  } catch (error) {
    throw linearizableRefused(error);
  }
}

async function assembleUsage(connection: Connection, gate: Gate): Promise<UsageStore> {
  const collection = (name: string, schema: Schema) =>
    new Documents<UsageDocument>(connection, gate, { name, schema, unique: USAGE_UNIQUE });
  const { MINUTE, HOUR, DAY } = usageSchemas;
  const usage: UsageCollections = {
    MINUTE: collection('UsageMinute', MINUTE),
    HOUR: collection('Usage', HOUR),
    DAY: collection('UsageDay', DAY),
  };
  const fields = new Documents<FieldsDocument>(connection, gate, {
    name: 'UsedFields',
    schema: fieldsSchema,
    unique: USAGE_UNIQUE,
  });
  const journal = {
    reports: new Documents<ReportDocument>(connection, gate, {
      name: 'UsageReport',
      schema: reportSchema,
      unique: REPORT_UNIQUE,
    }),
    batches: new Documents<UsageBatchDocument>(connection, gate, {
      name: 'UsageBatch',
      schema: usageBatchSchema,
      unique: USAGE_BATCH_UNIQUE,
    }),
    state: new Documents<UsageStateDocument>(connection, gate, {
      name: 'UsageState',
      schema: usageStateSchema,
      unique: USAGE_STATE_UNIQUE,
    }),
  };
  const indexed = [...Object.values(usage), fields, journal.reports, journal.batches];
  await Promise.all(indexed.map((each) => each.buildIndexes(INDEX_TIMEOUT)));
  await foldHours(usage, INDEX_TIMEOUT);
  return openUsage({ usage, fields, ...journal });
}
