import { buildSchema, GraphQLObjectType } from 'graphql';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KEY, KEY_FIELDS, weightOf } from '../../../src/core/store/keyFields.js';
import { keySchema } from '../../../src/core/store/mongo/schemas.js';
import { Connection } from '../../../src/core/store/sqlite/connection.js';
import { addKeyColumns } from '../../../src/core/store/sqlite/keyColumns.js';
import { MIGRATIONS } from '../../../src/core/store/sqlite/migrations.js';
import { aKey } from './fixtures.js';

/** Fields of `ApiKey` that show no field of the store. */
const COMPUTED = [
  'createdByName',
  'effectiveScopes',
  'limits',
  'previousTokenLastUsedAt',
  'roles',
  'source',
  'status',
  'usage',
];

function opened(): Connection {
  return new Connection(join(mkdtempSync(join(tmpdir(), 'latchkey-fields-')), 'latchkey.db'), 1000);
}

function columnsOf(connection: Connection): { name: string; type: string; notNull: number }[] {
  return connection
    .prepare<{ name: string; type: string; notNull: number }>(
      `SELECT name, type, "notnull" AS "notNull" FROM pragma_table_info('keys')`,
    )
    .all({});
}

test('each schema version of SQLite has the columns that the table names', () => {
  const connection = opened();
  for (const [i, migration] of MIGRATIONS.entries()) {
    if (typeof migration === 'string') connection.exec(migration);
    else if (typeof migration === 'symbol') addKeyColumns(connection, i + 1);
    const version = i + 1;
    const expected = KEY_FIELDS.filter((field) => KEY[field].since <= version && field !== 'trustedDocuments');
    const columns = columnsOf(connection).map(({ name }) => name);
    const derived = ['nameFolded', 'administers', 'trustedDocuments'];
    expect([version, columns.filter((name) => !derived.includes(name)).toSorted()]).toEqual([
      version,
      expected.toSorted(),
    ]);
  }
  const types = new Map(
    columnsOf(connection).map(({ name, type, notNull }) => [name, { type, isNull: notNull === 0 }]),
  );
  for (const field of KEY_FIELDS.filter((name) => KEY[name].listed)) {
    const { stored, initial } = KEY[field];
    expect([field, types.get(field)?.type]).toEqual([field, stored === 'number' ? 'INTEGER' : 'TEXT']);
    if (initial === null) expect([field, types.get(field)?.isNull]).toEqual([field, true]);
  }
  connection.close();
});

test('adds the columns of a version with the initial value for existing keys', () => {
  const connection = opened();
  connection.exec('CREATE TABLE keys (id TEXT NOT NULL PRIMARY KEY) STRICT');
  connection.exec("INSERT INTO keys VALUES ('key_a')");
  addKeyColumns(connection, 3);
  const expected = KEY_FIELDS.filter((field) => KEY[field].since === 3);
  expect(columnsOf(connection).map(({ name }) => name)).toEqual(['id', ...expected]);
  expect(connection.prepare('SELECT * FROM keys').all({})).toEqual([
    { id: 'key_a', projectId: null, userId: null, allowedAddresses: '[]', trustedDocuments: null },
  ]);
  connection.close();
});

test('the schema of MongoDB has a path of the right type for each field', () => {
  const types = { text: 'String', number: 'Number', list: 'Array' };
  for (const field of KEY_FIELDS) {
    const path = keySchema.path(field === 'id' ? '_id' : field);
    expect([field, path.instance]).toEqual([field, types[KEY[field].stored]]);
    expect([field, keySchema.path('successor').schema?.path(field === 'id' ? '_id' : field).instance]).toEqual([
      field,
      types[KEY[field].stored],
    ]);
  }
});

test('ApiKey has a field for each field that the table shows, and computed ones', () => {
  const type = buildSchema(readFileSync('schema.graphql', 'utf8')).getType('ApiKey');
  if (!(type instanceof GraphQLObjectType)) throw new TypeError('There is no type ApiKey.');
  const shown = KEY_FIELDS.flatMap((field) => {
    const name: string | boolean = KEY[field].shown;
    return name === false ? [] : [name === true ? field : name];
  });
  expect(Object.keys(type.getFields()).toSorted()).toEqual([...new Set([...shown, ...COMPUTED])].toSorted());
});

test('longer lists and texts take more room in the cache', () => {
  const key = aKey('ws', { scopes: [], name: '' });
  expect(weightOf(key)).toBe(1);
  expect(weightOf({ ...key, allowedAddresses: ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'] })).toBe(2);
  expect(weightOf({ ...key, trustedDocuments: new Array<string>(16).fill('a') })).toBe(3);
  expect(weightOf({ ...key, scopes: new Array<string>(8).fill('read:all'), revokedReason: 'x'.repeat(500) })).toBe(3);
});
