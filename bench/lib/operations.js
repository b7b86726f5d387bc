import { setTimeout as pause } from 'node:timers/promises';
import { aliases } from './program.js';

const COUNT = 100;
/** The number of measurements of each operation. */
export const ROUNDS = 3;
/** As many columns and characters as fit into the body of a request. */
const COLUMNS = Array.from({ length: 480 }, (_, i) => ({ name: `c${i}`, type: 't'.repeat(495) }));
const NARROW = Array.from({ length: 1_000 }, (_, i) => ({ name: `column_${i}_${'x'.repeat(100)}`, type: 'text' }));
const ASSETS = Array.from({ length: COUNT }, (_, i) => `big${String(i).padStart(3, '0')}`);

/**
 * Fills a tenant with the largest records that the API accepts: wide assets derived from each other, keys bound to many
 * documents.
 */
export async function fill(program) {
  const token = await program.tenant('ENTERPRISE');
  for (const name of ASSETS) {
    const upstream = ASSETS.filter((other) => other !== name);
    const input = { name, columns: COLUMNS, upstream, allowedAge: 'PT1H' };
    await program.mutate('registerAsset', input, token, 'name');
  }
  const users = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    const { user } = await program.mutate('addUser', { name: `u${i}`, roles: [] }, token, 'user { id }');
    users.push(user.id);
  }
  const bound = [];
  for (let i = 0; i < COUNT; i += 1) {
    // Some of them belong to users, who are removed at the end.
    const owner = i < 20 * ROUNDS ? { userId: users[i % ROUNDS] } : {};
    const input = { name: `k${i}`, scopes: ['read:assets'], trustedDocuments: documents(i), ...owner };
    const { apiKey } = await program.mutate('createApiKey', input, token, 'apiKey { id }');
    bound.push(apiKey.id);
    await pause(60);
  }
  const { apiKey } = await program.mutate(
    'createApiKey',
    { name: 'asked about', scopes: ['read:all'] },
    token,
    'apiKey { id }',
  );
  return { token, id: apiKey.id, bound, users };
}

function documents(seed) {
  return Array.from({ length: 1_000 }, (_, i) => (seed * 1_000 + i).toString(16).padStart(64, 'a'));
}

/** @returns {{ name: string, ask: (round: number) => { source: string, variables?: object } }[]} */
export function operations({ id, bound, users }) {
  return [
    ...explanations(id),
    ...ofKeys(id),
    ...ofBoundKeys(bound),
    ...ofAssets(),
    ...ofEvents(),
    ...ofTheLog(),
    reading(
      'introspection',
      most(() => '__schema{types{name}}'),
    ),
    reading(
      'scopes',
      most(() => 'scopes{scope types grantable}'),
    ),
    reading('scopes opens 150', `scopes{${aliases(150, 'opens')}}`),
    reading(
      'tiers',
      most(() => 'tiers{tier}'),
    ),
    reading(
      'viewer',
      most(() => 'viewer{workspace{id}}'),
    ),
    reading('workspace keys 110', `workspace{${aliases(110, 'keys{current}')}}`),
    // Last, because it changes what the others read.
    ...endsOfBoundKeys(bound, users),
  ];
}

/** The token limit of a document, and the burst of the tier. */
const MOST_TOKENS = 700;
const MOST_COST = 100;

/** The maximum number of aliases of a root field in one document, in addition to `head`. */
const most = (field, head = '') => {
  const tokens = (source) => source.match(/"[^"]*"|\.\.\.|[\w-]+|[^\s,\w]/g)?.length ?? 0;
  const room = MOST_TOKENS - tokens(`${head}{}`);
  return each(Math.min(MOST_COST, Math.floor(room / (tokens(field(0)) + 2))), field);
};
const reading = (name, selections) => ({ name, ask: () => ({ source: `{${selections}}` }) });
const asking = (name, source, variables) => ({ name, ask: () => ({ source, variables }) });
/** `{a0: field(0) a1: field(1)}` */
const each = (count, field) => Array.from({ length: count }, (_, i) => `a${i}:${field(i)}`).join(' ');

function explanations(id) {
  const kinds = {
    'many names': (i) => `{${Array.from({ length: 75 }, (_, k) => `x${i}_${k}:viewer{workspace{id}}`).join(' ')}}`,
    'one name': (i) => `{viewer{${'workspace{id} '.repeat(165)} a${i}:workspace{id}}}`,
    fragments: (i) =>
      `{viewer{${'...F '.repeat(100)}}} fragment F on Viewer{${'workspace{id} '.repeat(40)} a${i}:workspace{id}}`,
    'many paths': (i) =>
      `{x${i}:assets{...A}} ${Array.from({ length: 8 }, (_, k) => `fragment F${k} on Asset{a:downstream{...F${k + 1}} b:downstream{...F${k + 1}}}`).join(' ')} fragment A on Asset{...F0} fragment F8 on Asset{name}`,
    'unknown fields': (i) => `{y${i}:tiers{tier} ${each(70, () => 'viewr{workspace{id}}')}}`,
    'conflicting fields': (i) =>
      `{y${i}:tiers{tier} ${Array.from({ length: 65 }, (_, k) => `x:asset(name:"${k}"){name}`).join(' ')}}`,
    small: (i) => `{x${i}:viewer{workspace{id}}}`,
  };
  const many = Object.entries(kinds).flatMap(([kind, document]) =>
    [1, 3, 25].map((count) => ({
      name: `explainAccess, ${count} documents of ${kind}`,
      ask: (round) => explaining(id, count, (i) => document(round * 100 + i)),
    })),
  );
  const variables = { i: { name: 'a', columns: Array.from({ length: 3_000 }, () => ({ name: 'a', type: 'b' })) } };
  return [
    ...many,
    ...Object.entries(kinds).map(([kind, document]) => repeating(`explainAccess, one of ${kind} 20`, id, document(0))),
    repeating('explainAccess, a long comment 20', id, `#${'x'.repeat(200_000)}\n{viewer{workspace{id}}}`),
    repeating(
      'explainAccess, large variables 20',
      id,
      'mutation($i:RegisterAssetInput!){registerAsset(input:$i){name}}',
      variables,
    ),
    reading(
      'suggestScopes',
      most(() => `suggestScopes(keyId:"${id}",days:90){nothingUsed scopes{scope}}`),
    ),
  ];
}

function explaining(id, count, document) {
  const names = Array.from({ length: count }, (_, i) => `d${i}`);
  const variables = Object.fromEntries(names.map((name, i) => [name, document(i)]));
  const asked = (argument) => `explainAccess(keyId:"${id}",document:${argument}){cost reasons}`;
  const declared = names.map((name) => `$${name}:String!`).join();
  return { source: `query(${declared}){${each(count, (i) => asked(`$d${i}`))}}`, variables };
}

function repeating(name, id, document, variables) {
  const asked = `explainAccess(keyId:"${id}",document:$d,variables:$v){allowed reasons cost fields{path}}`;
  return asking(name, `query($d:String!,$v:JSON){${aliases(20, asked)}}`, { d: document, v: variables });
}

function ofKeys(id) {
  const texts = {
    words: Array.from({ length: 150 }, (_, i) => `q${i}ZkLmN0p9Q8r7S6t5U4v3`).join(' '),
    prefixes: '_live_'.repeat(700),
    'encoded text': '%25'.repeat(1_300),
    base64: Buffer.from('key=A1b2C3d4E5f6G7h8 '.repeat(140)).toString('base64'),
    addresses: 'a/b?c=d&e#f:g@'.repeat(290),
    lines: 'Ab3dEf6hIj9k\n'.repeat(300),
  };
  const finding = Object.entries(texts).map(([kind, text]) =>
    asking(`findApiKeys, ${kind} 50`, `query($t:String!){${aliases(50, 'findApiKeys(text:$t){id}')}}`, {
      t: text.slice(0, 4_096),
    }),
  );
  const bound = (name, count, input) => ({
    name,
    ask: (round) => ({
      source: `mutation($t:[String!]!){${each(count, (i) => `updateApiKey(input:{id:"${id}",trustedDocuments:$t${input(round, i)}}){apiKey{id}}`)}}`,
      variables: { t: documents(200 + round) },
    }),
  });
  const changing = (name, count, field) => ({
    name: `${name} ${count}`,
    ask: (round) => ({ source: `mutation{${each(count, (i) => field(`n${round}x${i}`))}}` }),
  });
  return [
    ...finding,
    reading(
      'apiKey',
      most(() => `apiKey(id:"${id}"){name}`),
    ),
    reading(
      'apiKey, other ids',
      most((i) => `apiKey(id:"${id}${i}"){name}`),
    ),
    reading(
      'apiKeys',
      most(() => 'apiKeys(first:100){nodes{id}}'),
    ),
    reading('apiKeys, names 110', `apiKeys(first:100){nodes{${aliases(110, 'createdByName')}}}`),
    reading('apiKeys, limits 55', `apiKeys(first:100){nodes{${aliases(55, 'limits{categories{category}}')}}}`),
    reading('apiKeys, documents 49', 'apiKeys(first:49){nodes{trustedDocuments}}'),
    reading('apiKeys, documents 4', `apiKeys(first:100){nodes{${aliases(4, 'trustedDocuments')}}}`),
    reading(
      'apiKeys, documents of pages',
      most(() => 'apiKeys(first:100){nodes{trustedDocuments}}'),
    ),
    reading(
      'apiKeys, documents by cursors',
      most((i) => `apiKeys(first:${51 + i}){nodes{trustedDocuments}}`),
    ),
    reading(
      'apiKeys, totals',
      most(() => 'apiKeys(first:100,filter:{nameContains:"a"}){totalCount}'),
    ),
    reading(
      'apiKeys, searches',
      most((i) => `apiKeys(filter:{nameContains:"k${i}"}){totalCount}`),
    ),
    reading(
      'users',
      most(() => 'users(first:100){nodes{id}}'),
    ),
    bound('updateApiKey, the same documents 28', 28, () => ''),
    bound('updateApiKey, documents and a name 25', 25, (round, i) => `,name:"n${round}x${i}"`),
    changing(
      'expireApiKey',
      32,
      (n) => `expireApiKey(input:{id:"${id}",at:"209${n.length}-01-01T00:00:00Z"}){apiKey{id}}`,
    ),
    changing('addUser', 28, (n) => `addUser(input:{name:"${n}",roles:[]}){user{id}}`),
    changing('createProject', 36, (n) => `createProject(input:{name:"${n}"}){project{id}}`),
    changing('createApiKey', 20, (n) => `createApiKey(input:{name:"${n}",scopes:["read:assets"]}){apiKey{id}}`),
    {
      name: 'createApiKey, documents 20',
      ask: () => ({
        source: `mutation($t:[String!]!){${each(20, (i) => `createApiKey(input:{name:"n${i}",scopes:["read:assets"],trustedDocuments:$t}){apiKey{id}}`)}}`,
        variables: { t: documents(300) },
      }),
    },
    {
      name: 'createWorkspace 20',
      ask: () => ({
        source: `mutation{${each(20, (i) => `createWorkspace(input:{name:"n${i}",tier:GROWTH}){workspace{id}}`)}}`,
        token: 'operator',
      }),
    },
  ];
}

/** Operations on keys with 1,000 trusted documents each. */
function ofBoundKeys(bound) {
  const [first] = bound;
  return [
    reading(
      'bound keys, apiKeys of pages',
      most((i) => `apiKeys(first:${31 + i}){nodes{id}}`),
    ),
    reading(
      'bound keys, apiKeys by name',
      most(() => 'apiKeys(first:100,orderBy:{field:NAME,direction:ASC}){nodes{id}}'),
    ),
    reading(
      'bound keys, apiKey',
      most(() => `apiKey(id:"${first}"){name}`),
    ),
    reading(
      'bound keys, apiKey by id',
      most((i) => `apiKey(id:"${bound[i]}"){name}`),
    ),
    reading(
      'bound keys, documents by id',
      most((i) => `apiKey(id:"${bound[i]}"){trustedDocuments}`),
    ),
    asking(
      'bound keys, findApiKeys',
      `query(${bound.slice(0, 30).map((_, i) => `$t${i}:String!`)}){${each(30, (i) => `findApiKeys(text:$t${i}){id}`)}}`,
      Object.fromEntries(bound.slice(0, 30).map((_, i) => [`t${i}`, bound.slice(i, i + 18).join(' ')])),
    ),
    asking(
      'bound keys, findApiKeys that finds too many',
      `query(${bound.slice(0, 18).map((_, i) => `$t${i}:String!`)}){${each(18, (i) => `findApiKeys(text:$t${i}){id}`)}}`,
      Object.fromEntries(bound.slice(0, 18).map((_, i) => [`t${i}`, bound.slice(i, i + 30).join(' ')])),
    ),
    reading(
      'bound keys, subjects of the log',
      most((i) => `auditLog(first:${41 + i}){nodes{subjectName}}`),
    ),
    reading(
      'bound keys, suggestScopes',
      most(() => `suggestScopes(keyId:"${first}",days:1){nothingUsed}`),
    ),
    repeating('bound keys, explainAccess 20', first, '{viewer{workspace{id}}}'),
  ];
}

function endsOfBoundKeys(bound, users) {
  const changing = (name, count, field) => ({
    name: `${name} ${count}`,
    ask: (round) => ({
      source: `mutation{${each(count, (i) => field(bound[COUNT - 1 - i], `${ROUNDS - round}${i % 10}`))}}`,
    }),
  });
  return [
    changing('bound keys, updateApiKey', 30, (id, n) => `updateApiKey(input:{id:"${id}",name:"n${n}"}){apiKey{id}}`),
    changing(
      'bound keys, expireApiKey',
      30,
      (id, n) => `expireApiKey(input:{id:"${id}",at:"21${n}-01-01T00:00:00Z"}){apiKey{id}}`,
    ),
    {
      name: 'bound keys, removeUser with 20 keys',
      ask: (round) => ({ source: `mutation{removeUser(input:{id:"${users[round]}"}){user{id}}}` }),
    },
  ];
}

function ofAssets() {
  const registering = (input) =>
    `mutation($i:RegisterAssetInput!){${aliases(50, 'registerAsset(input:$i){name}')}}${input}`;
  return [
    reading('assets 1', 'assets{name}'),
    reading(
      'assets',
      most(() => 'assets{name}'),
    ),
    reading(
      'assets, pages',
      most((i) => `assets(first:${41 + i}){name}`),
    ),
    reading('downstream 1', 'assets{downstream{name}}'),
    reading(
      'downstream',
      most(() => 'assets{downstream{name}}'),
    ),
    reading('downstream twice', 'asset(name:"big000"){downstream{downstream{name}}}'),
    reading('downstream 110', `asset(name:"big000"){${aliases(110, 'downstream{name}')}}`),
    reading(
      'downstream by name',
      most((i) => `asset(name:"${ASSETS[i]}"){downstream{name}}`),
    ),
    reading('upstream 1', 'assets{upstream{asset{name}}}'),
    reading(
      'upstream',
      most(() => 'asset(name:"big000"){upstream{name}}'),
    ),
    reading(
      'upstream by name',
      most((i) => `asset(name:"${ASSETS[i]}"){upstream{asset{name}}}`),
    ),
    reading('columns 1', 'assets{schema{columns{name}}}'),
    reading('columns of 90', 'assets(first:90){schema{columns{name}}}'),
    reading(
      'columns',
      most(() => 'assets(first:3){schema{columns{name type} registeredColumns{name type}}}'),
    ),
    reading(
      'columns of 1',
      most(() => 'asset(name:"big000"){schema{columns{name}}}'),
    ),
    reading(
      'versions',
      most(() => 'assets{schema{version}}'),
    ),
    reading(
      'columns by name',
      most((i) => `asset(name:"${ASSETS[i]}"){schema{columns{name}}}`),
    ),
    reading('alerts 100', `assets{${aliases(100, 'alerts{kind}')}}`),
    reading('freshness 95', `assets{${aliases(95, 'freshness{status age}')}}`),
    asking('registerAsset 50', registering(''), { i: { name: 'again', columns: COLUMNS, upstream: ASSETS } }),
    asking('registerAsset, many columns 50', registering(''), {
      i: { name: 'many', columns: NARROW, upstream: ASSETS },
    }),
    asking('refreshSchema 50', `mutation($i:RefreshSchemaInput!){${aliases(50, 'refreshSchema(input:$i){name}')}}`, {
      i: { asset: 'big000', columns: NARROW },
    }),
    asking(
      'refreshSchema, changing 25',
      `mutation($i:RefreshSchemaInput!,$j:RefreshSchemaInput!){${each(25, (i) => `refreshSchema(input:$${i % 2 === 0 ? 'i' : 'j'}){name}`)}}`,
      { i: { asset: 'big001', columns: NARROW.slice(0, 800) }, j: { asset: 'big001', columns: NARROW.slice(0, 799) } },
    ),
    asking('recordLoad 45', `mutation{${each(45, (i) => `recordLoad(input:{asset:"${ASSETS[i]}"}){name}`)}}`),
    asking('refreshFreshness 50', `mutation{${each(50, (i) => `refreshFreshness(asset:"${ASSETS[i]}"){name}`)}}`),
  ];
}

function ofEvents() {
  const record = (name, event, count = 1) => ({
    name,
    ask: (round) => ({
      source: `mutation($i:[EventInput!]!){${aliases(count, 'recordEvents(input:$i){recorded}')}}`,
      variables: { i: Array.from({ length: 500 }, (_, i) => event(round, i)) },
    }),
  });
  const properties = { a: 'x'.repeat(300) };
  const minutes = (count) => new Date(Date.now() - count * 60_000).toISOString();
  return [
    record('recordEvents', (round, i) => ({ id: `e${round}x${i}`, type: 'plain', properties })),
    record('recordEvents, the same 55', (_, i) => ({ id: `s${i}`, type: 'plain', properties }), 55),
    record('recordEvents, loads', (round, i) => ({
      id: `l${round}x${i}`,
      type: 'LOAD',
      asset: ASSETS[i % COUNT],
      at: minutes(40 - round * 10 - i / 100),
    })),
    record(
      'recordEvents, loads 25',
      (round, i) => ({
        id: `m${round}x${i}`,
        type: 'LOAD',
        asset: ASSETS[i % COUNT],
        at: minutes(9 - round * 2 - i / 500),
      }),
      25,
    ),
    reading(
      'events',
      most(() => 'events(first:100){pageInfo{hasNextPage}}'),
    ),
    reading('events, properties', `events(first:100){nodes{${aliases(110, 'properties')}}}`),
    reading(
      'events, pages',
      most((i) => `events(first:${31 + i}){nodes{id}}`),
    ),
  ];
}

function ofTheLog() {
  return [
    reading(
      'auditHead',
      most(() => 'auditHead{seq}'),
    ),
    reading('auditLog 1', 'auditLog(first:100){nodes{id}}'),
    reading(
      'auditLog',
      most(() => 'auditLog(first:100){nodes{id}}'),
    ),
    reading(
      'auditLog, pages',
      most((i) => `auditLog(first:${41 + i}){nodes{id}}`),
    ),
    reading('auditLog, names 75', `auditLog(first:100){nodes{${aliases(75, 'names{id}')}}}`),
    reading('auditLog, before 100', `auditLog(first:1){nodes{${aliases(100, 'before')}}}`),
    reading('auditLog, before and after', 'auditLog(first:100){nodes{before after}}'),
    reading(
      'auditLog, names of pages',
      most((i) => `auditLog(first:${41 + i}){nodes{names{id}}}`),
    ),
  ];
}
