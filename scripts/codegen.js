// Generates the dashboard's typed documents, src/dashboard/generated/graphql.ts, from schema.graphql and the operations
// next to the pages. With --check it writes nothing, and fails if the file differs.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codegen } from '@graphql-codegen/core';
import * as typedDocuments from '@graphql-codegen/typed-document-node';
import * as operations from '@graphql-codegen/typescript-operations';
import { Kind, parse } from 'graphql';

const ROOT = join(import.meta.dirname, '..');
const DASHBOARD = join(ROOT, 'src/dashboard');
const FILE = join(DASHBOARD, 'generated/graphql.ts');
const HEAD = '// Made by `npm run codegen` from schema.graphql and src/dashboard/**/*.graphql. Change those instead.';

const scalars = {
  Count: 'number',
  DateTime: 'string',
  Duration: 'string',
  Scope: 'string',
  JSON: 'unknown',
  // An enum, whose values are the tiers of the installation.
  Tier: 'string',
  ID: 'string',
};

const documents = readdirSync(DASHBOARD, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.graphql'))
  .sort()
  .map((location) => ({ location, document: parse(readFileSync(join(DASHBOARD, location), 'utf8')) }));

/** Replaces an enum with a scalar, whose type is in `scalars`. */
function withScalar(name, document) {
  const definitions = document.definitions.map((definition) =>
    definition.name?.value === name ? { kind: Kind.SCALAR_TYPE_DEFINITION, name: definition.name } : definition,
  );
  return { ...document, definitions };
}

const made = await codegen({
  filename: FILE,
  schema: withScalar('Tier', parse(readFileSync(join(ROOT, 'schema.graphql'), 'utf8'))),
  documents,
  plugins: [{ operations: {} }, { typedDocuments: {} }],
  pluginMap: { operations, typedDocuments },
  config: {
    scalars,
    enumsAsTypes: true,
    useTypeImports: true,
    skipTypename: true,
    // Lists and fields are only read.
    immutableTypes: true,
  },
});
const text = `${HEAD}\n${made}`;

if (!process.argv.includes('--check')) {
  writeFileSync(FILE, text);
} else if (readFileSync(FILE, 'utf8') !== text) {
  console.error(
    'src/dashboard/generated/graphql.ts does not match the schema and the operations. Run npm run codegen.',
  );
  process.exitCode = 1;
}
