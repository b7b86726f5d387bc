// Measures the cost of one field of a response: CPU time of the most expensive operations within the size limit of a
// response. `npm run build && node bench/answers.js`. Uses only loopback, and stops by itself.
import { setTimeout as pause } from 'node:timers/promises';
import { aliases, Program } from './lib/program.js';
import { removeTemporary } from './lib/temporary.js';

const ROUNDS = 8;
const program = await Program.start();
const token = await program.tenant('ENTERPRISE');
const columns = Array.from({ length: 1_000 }, (_, i) => ({ name: `c${i}`, type: 'text' }));
for (let i = 0; i < 19; i += 1) await program.mutate('registerAsset', { name: `asset.${i}`, columns }, token, 'name');
for (let i = 0; i < 60; i += 1) {
  const trustedDocuments = Array.from({ length: 1_000 }, (_, j) => (i * 1_000 + j).toString(16).padStart(64, '0'));
  const input = { name: `k${i}`, scopes: ['read:assets'], trustedDocuments };
  await program.mutate('createApiKey', input, token, 'token');
  await pause(100);
}

const from = new Date(Date.now() - 60 * 24 * 3_600_000).toISOString();
const OPERATIONS = {
  'one field': '{ viewer { credential { id } } }',
  columns: `{ assets(first: 1) { schema { columns { ${aliases(45, 'name')} } } } }`,
  'trusted documents': '{ apiKeys(first: 49) { nodes { trustedDocuments } } }',
  'hours of usage': `{ viewer { credential { usage(from: "${from}") { ${aliases(30, 'requests')} } } } }`,
  prefixes: `{ apiKeys(first: 60) { nodes { ${aliases(190, 'prefix')} } } }`,
  'limits of keys': `{ apiKeys(first: 60) { nodes { ${aliases(60, 'limits { rate { remaining } }')} } } }`,
  'previous keys': `{ apiKeys(first: 60) { nodes { ${aliases(150, 'previousTokenLastUsedAt')} } } }`,
  'JSON of the audit log': `{ auditLog(first: 100) { nodes { ${aliases(190, 'after')} } } }`,
  'refused: too many columns': `{ assets(first: 19) { schema { columns { ${aliases(60, 'name')} } } } }`,
  'refused: one list too many': '{ assets(first: 19) { schema { columns { name } registeredColumns { name } } } }',
};

/** Counts fields and list entries. */
function fieldsIn(value) {
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((count, item) => count + 1 + fieldsIn(item), 0);
}

for (const [name, source] of Object.entries(OPERATIONS)) {
  const { status, text } = await program.query(source, { token });
  await program.query(source, { token });
  const before = program.cpu;
  for (let i = 0; i < ROUNDS; i += 1) await program.query(source, { token });
  const ms = (program.cpu - before) / ROUNDS;
  const fields = fieldsIn(JSON.parse(text).data);
  const each = fields > 1_000 ? `, ${((ms * 1_000) / fields).toFixed(1)} µs a field` : '';
  console.log(`${name}: ${status}, ${fields} fields, ${text.length} bytes, ${ms.toFixed(0)} ms of CPU${each}`);
  await pause(1_100);
}
await program.stop();
removeTemporary();
