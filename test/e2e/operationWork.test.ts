import { jest } from '@jest/globals';
import { AssetService } from '../../src/demo/assets/service.js';
import { Explainer } from '../../src/core/guard/explain.js';
import { createKey, OPERATOR_KEY, type Answer, demoOf } from '../support/service.js';
import { startFrozen, type FrozenService } from './frozen.js';

let latchkey: FrozenService;
let admin: string;
let id: string;
beforeAll(async () => {
  latchkey = await startFrozen({
    env: { INTROSPECTION: 'scoped', ADMIN_API_KEY: OPERATOR_KEY, DEFAULT_TIER: 'ENTERPRISE' },
  });
  admin = (await createKey(latchkey, { scopes: ['admin'] }, OPERATOR_KEY)).token;
  id = (await createKey(latchkey, { scopes: ['read:assets'] }, admin)).id;
});
afterAll(() => latchkey.close());
beforeEach(() => latchkey.pass(60_000));
afterEach(() => jest.restoreAllMocks());

const aliases = (count: number, field: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => `a${i}: ${field(i)}`).join(' ');

const ask = (query: string, variables: object = {}): Promise<Answer> =>
  latchkey.query(query, { token: admin, variables });

/** The number of successful fields; the others are refused because of their total, with the path of the argument. */
function answered({ body }: Answer, path: readonly string[], message: RegExp): number {
  const refused = (body.errors ?? []) as { message: string; extensions: object }[];
  for (const error of refused) {
    expect(error.message).toMatch(message);
    expect(error.extensions).toMatchObject({ code: 'BAD_USER_INPUT', path });
  }
  return Object.values(body.data as object).filter((value) => value !== null).length;
}

describe('R2: the documents in one operation', () => {
  const TOO_MANY =
    /more than 2100 tokens in total \(128 characters count as at least one\)\. Send some of them in another operation\.$/;
  /** A document of 604 tokens. */
  const large = (name: string) => `{ ${name}: viewer { ${'scopes '.repeat(596)}} }`;
  const explained = () => jest.spyOn(Explainer.prototype, 'explain');
  const distinct = (count: number, document: (i: number) => string): Promise<Answer> => {
    const variables = Object.fromEntries(Array.from({ length: count }, (_, i) => [`d${i}`, document(i)]));
    const declared = Object.keys(variables).map((name) => `$${name}: String!`);
    return ask(
      `query (${declared.join()}) { ${aliases(count, (i) => `explainAccess(keyId: "${id}", document: $d${i}) { allowed errors { message } }`)} }`,
      variables,
    );
  };

  it('can have 2,100 tokens in total, and further ones are not parsed', async () => {
    const explain = explained();
    expect(answered(await distinct(3, (i) => large(`x${i}`)), ['document'], TOO_MANY)).toBe(3);
    expect(explain).toHaveBeenCalledTimes(3);
    latchkey.pass(60_000);
    expect(answered(await distinct(20, (i) => large(`y${i}`)), ['document'], TOO_MANY)).toBe(3);
    expect(explain).toHaveBeenCalledTimes(6);
  });

  it('count by their characters too, and one that is too long is not read', async () => {
    const explain = explained();
    // 1,563 tokens by its 200,000 characters.
    const long = `{ ${'a'.repeat(199_996)} }`;
    const answer = await ask(
      `query ($d: String!) { ${aliases(20, () => `explainAccess(keyId: "${id}", document: $d) { cost }`)} }`,
      { d: long },
    );
    expect(answered(answer, ['document'], TOO_MANY)).toBe(1);
    expect(explain).toHaveBeenCalledTimes(1);
  });

  it('a valid document counts once, whatever the number of aliases', async () => {
    const explain = explained();
    const answer = await ask(
      `query ($d: String!) { ${aliases(40, () => `explainAccess(keyId: "${id}", document: $d) { cost }`)} }`,
      { d: large('same') },
    );
    expect([answer.status, answered(answer, ['document'], TOO_MANY)]).toEqual([200, 40]);
    expect(explain).toHaveBeenCalledTimes(40);
  });

  it.each([
    ['invalid ones', `{ ${'viewer { nothing } '.repeat(150)}}`],
    ['ones that end in a syntax error', `{ ${'viewer { scopes } '.repeat(150)}`],
  ])('count for each alias if they are %s', async (_, document) => {
    const explain = explained();
    const answer = await ask(
      `query ($d: String!) { ${aliases(20, () => `explainAccess(keyId: "${id}", document: $d) { cost }`)} }`,
      { d: document },
    );
    expect(answered(answer, ['document'], TOO_MANY)).toBe(3);
    expect(explain).toHaveBeenCalledTimes(3);
  });

  it('count with their variables, which are read for each alias', async () => {
    const explain = explained();
    const answer = await ask(
      `query ($d: String!, $v: JSON) { ${aliases(20, () => `explainAccess(keyId: "${id}", document: $d, variables: $v) { cost }`)} }`,
      { d: '{ viewer { scopes } }', v: { x: 'x'.repeat(200_000) } },
    );
    expect(answered(answer, ['document'], TOO_MANY)).toBe(2);
    expect(explain).toHaveBeenCalledTimes(2);
  });

  it('are counted separately for each operation, and not for unknown keys', async () => {
    for (let i = 0; i < 4; i += 1)
      expect(answered(await distinct(3, (k) => large(`z${i}${k}`)), ['document'], TOO_MANY)).toBe(3);
    const answer = await ask(
      `query ($d: String!) { ${aliases(20, () => 'explainAccess(keyId: "key_none", document: $d) { cost }')} }`,
      { d: `{ ${'nothing '.repeat(600)}}` },
    );
    expect([answer.status, answer.body.errors]).toEqual([200, undefined]);
  });
});

describe('R2: the inputs of one operation with a variable under many aliases', () => {
  it('record at most 1,000 events', async () => {
    const record = jest.spyOn(demoOf(latchkey).store.events, 'record');
    const input = Array.from({ length: 500 }, (_, i) => ({ id: `e${i}`, type: 'plain' }));
    const answer = await ask(
      `mutation ($input: [EventInput!]!) { ${aliases(20, () => 'recordEvents(input: $input) { repeated }')} }`,
      { input },
    );
    expect(answered(answer, ['input'], /more than 1000 events in total/)).toBe(2);
    expect(record).toHaveBeenCalledTimes(2);
    const few = await ask(
      `mutation ($input: [EventInput!]!) { ${aliases(20, () => 'recordEvents(input: $input) { repeated }')} }`,
      { input: input.slice(0, 50) },
    );
    expect([few.status, few.body.errors]).toEqual([200, undefined]);
  });

  it.each([
    ['narrow', 1_000, 'text', 3],
    ['wide', 480, 't'.repeat(300), 3],
    ['few', 50, 'text', 20],
  ])('write at most 3,000 columns: %s ones', async (_, count, type, expected) => {
    const columns = Array.from({ length: count }, (__, i) => ({ name: `c${i}`, type }));
    for (const [field, kind, method] of [
      ['registerAsset', 'RegisterAssetInput', 'register'],
      ['refreshSchema', 'RefreshSchemaInput', 'refreshSchema'],
    ] as const) {
      const written = jest.spyOn(AssetService.prototype, method);
      const asset = `a${count}`;
      const input = field === 'registerAsset' ? { name: asset, columns } : { asset, columns };
      const answer = await ask(
        `mutation ($input: ${kind}!) { ${aliases(20, () => `${field}(input: $input) { name }`)} }`,
        { input },
      );
      expect(answered(answer, ['input', 'columns'], /more than 3000 columns in total/)).toBe(expected);
      expect(written).toHaveBeenCalledTimes(expected);
      latchkey.pass(60_000);
    }
  });

  it('count upstream names, and the stored columns of the assets', async () => {
    const register = jest.spyOn(AssetService.prototype, 'register');
    const registered = async (input: object): Promise<number> => {
      latchkey.pass(60_000);
      register.mockClear();
      const answer = await ask(
        `mutation ($input: RegisterAssetInput!) { ${aliases(40, () => 'registerAsset(input: $input) { name }')} }`,
        { input },
      );
      const count = answered(answer, ['input', 'columns'], /more than 3000 columns in total/);
      expect(register).toHaveBeenCalledTimes(count);
      return count;
    };
    expect(await registered({ name: 'made', upstream: Array.from({ length: 100 }, (_, i) => `u${i}`) })).toBe(30);
    expect(await registered({ name: 'wide' })).toBe(40);
    const columns = Array.from({ length: 1_000 }, (_, i) => ({ name: `c${i}`, type: 'text' }));
    await ask('mutation ($input: RegisterAssetInput!) { registerAsset(input: $input) { name } }', {
      input: { name: 'wide', columns },
    });
    expect(await registered({ name: 'wide' })).toBe(3);
  });

  it('bind keys to at most 3,000 documents', async () => {
    const update = jest.spyOn(latchkey.service.store.keys, 'update');
    const t = Array.from({ length: 1_000 }, (_, i) => i.toString(16).padStart(64, '0'));
    const { id: bound } = await createKey(latchkey, { scopes: ['read:assets'] }, admin);
    const answer = await ask(
      `mutation ($t: [String!]) { ${aliases(20, (i) => `updateApiKey(input: { id: "${bound}", name: "n${i}", trustedDocuments: $t }) { apiKey { id } }`)} }`,
      { t },
    );
    expect(answered(answer, ['input', 'trustedDocuments'], /more than 3000 documents in total/)).toBe(3);
    expect(update).toHaveBeenCalledTimes(3);
  });

  it('search for at most 16,384 characters', async () => {
    const search = jest.spyOn(latchkey.service.store.keys, 'search');
    const text = `${'x '.repeat(2_000)}lks_live_Ab12Cd`;
    const answer = await ask(`query ($text: String!) { ${aliases(20, () => 'findApiKeys(text: $text) { id }')} }`, {
      text,
    });
    const found = answered(answer, ['text'], /more than 16384 characters in total/);
    expect(found).toBe(4);
    expect(search).toHaveBeenCalledTimes(4);
  });
});

describe('R2: the trusted documents of keys', () => {
  const DOCUMENTS = Array.from({ length: 1_000 }, (_, i) => i.toString(16).padStart(64, '0'));
  const ids: string[] = [];
  beforeAll(async () => {
    for (let i = 0; i < 60; i += 1)
      ids.push((await createKey(latchkey, { name: `bound ${i}`, trustedDocuments: DOCUMENTS }, admin)).id);
  });

  /** The keys whose documents are read, by all operations of the store that can read them. */
  const reads = () => {
    const { keys } = latchkey.service.store;
    const documentsOf = jest.spyOn(keys, 'documentsOf');
    const find = jest.spyOn(keys, 'find');
    return () => [...find.mock.calls.map(([id]) => id), ...documentsOf.mock.calls.flatMap(([each]) => each)];
  };

  it.each<[string, (i: number) => string, number]>([
    ['lists', () => 'apiKeys(first: 100) { nodes { id name } }', 40],
    [
      'lists in other orders',
      () => 'apiKeys(first: 60, orderBy: { field: NAME, direction: ASC }) { nodes { id } }',
      25,
    ],
    ['look-ups by id', (i) => `apiKey(id: "${ids[i]}") { name }`, 50],
    ['searches', (i) => `findApiKeys(text: "${ids.slice(i, i + 5).join(' ')}") { id }`, 40],
    ['the audit log', (i) => `auditLog(first: ${41 + i}) { nodes { subjectName actorName names { name } } }`, 20],
    ['suggestScopes', (i) => `suggestScopes(keyId: "${ids[i]}") { nothingUsed }`, 40],
    ['the viewer', () => 'viewer { credential { apiKey { name } } }', 50],
  ])('are not read by %s, under any number of aliases', async (_, field, count) => {
    const readSoFar = reads();
    const { body } = await ask(`{ ${aliases(count, field)} }`);
    expect(body.errors).toBeUndefined();
    expect(JSON.stringify(body.data)).toContain('a0');
    expect(readSoFar()).toEqual([]);
  });

  it('are read once for each key that selects them, whatever names it and under any number of aliases', async () => {
    const readSoFar = reads();
    const [first = '', second = ''] = ids;
    const selected = '{ id trustedDocuments again: trustedDocuments }';
    const { body } = await ask(
      `{ ${aliases(5, () => `apiKey(id: "${first}") ${selected}`)} other: apiKey(id: "${second}") { id }
         found: findApiKeys(text: "${first}") ${selected} viewer { credential { apiKey { trustedDocuments } } } }`,
    );
    expect(body.errors).toBeUndefined();
    expect(body.data.a4).toEqual({ id: first, trustedDocuments: DOCUMENTS, again: DOCUMENTS });
    expect(body.data.found).toEqual([body.data.a0]);
    expect(body.data.viewer.credential.apiKey).toEqual({ trustedDocuments: null });
    expect(readSoFar().filter((id) => ids.includes(id))).toEqual([first]);
  });

  it('are read within the limit of a response, which refuses an operation that selects more', async () => {
    const readSoFar = reads();
    const few = await ask('{ apiKeys(first: 45, filter: { nameContains: "bound" }) { nodes { trustedDocuments } } }');
    expect([few.status, few.body.errors]).toEqual([200, undefined]);
    expect(readSoFar()).toHaveLength(45);
    for (const query of [
      '{ apiKeys(first: 60, filter: { nameContains: "bound" }) { nodes { trustedDocuments } } }',
      `{ ${aliases(60, (i) => `apiKey(id: "${ids[i]}") { trustedDocuments }`)} }`,
      `{ ${aliases(30, (i) => `apiKeys(first: ${60 + i}) { nodes { trustedDocuments } }`)} }`,
    ]) {
      latchkey.pass(60_000);
      jest.restoreAllMocks();
      const readOfRefused = reads();
      const { body } = await ask(query);
      expect(body.errors[0].extensions).toMatchObject({ code: 'ANSWER_TOO_LARGE', limit: 50_000, unit: 'fields' });
      expect(readOfRefused().length).toBeLessThanOrEqual(50);
    }
  });
});

describe('R2: the lists of one operation', () => {
  const TOO_MANY = /lists more than 1500 entries in total/;
  const spied = () => {
    const { store } = latchkey.service;
    return {
      apiKeys: jest.spyOn(store.keys, 'list'),
      auditLog: jest.spyOn(store.audit, 'list'),
      projects: jest.spyOn(store.projects, 'list'),
      users: jest.spyOn(store.users, 'list'),
      assetsConnection: jest.spyOn(demoOf(latchkey).store.assets, 'list'),
      events: jest.spyOn(demoOf(latchkey).store.events, 'list'),
    };
  };

  it('are read once if they are the same, under any number of aliases', async () => {
    for (const [field, list] of Object.entries(spied())) {
      const answer = await ask(`{ ${aliases(40, () => `${field}(first: 100) { nodes { id: __typename } }`)} }`);
      expect([answer.status, answered(answer, ['first'], TOO_MANY)]).toEqual([200, 40]);
      expect(list).toHaveBeenCalledTimes(1);
      latchkey.pass(60_000);
    }
    const assets = jest.spyOn(demoOf(latchkey).store.assets, 'list').mockClear();
    const answer = await ask(`{ ${aliases(40, () => 'assets { name }')} }`);
    expect([answer.status, assets.mock.calls.length]).toEqual([200, 1]);
  });

  it('have 1,500 entries at most, and those beyond are not read', async () => {
    for (const [field, list] of Object.entries(spied())) {
      const answer = await ask(`{ ${aliases(20, (i) => `${field}(first: ${81 + i}) { pageInfo { hasNextPage } }`)} }`);
      expect(answered(answer, ['first'], TOO_MANY)).toBe(16);
      expect(list).toHaveBeenCalledTimes(16);
      latchkey.pass(60_000);
    }
  });

  it('have 1,500 entries at most, whatever their kinds', async () => {
    const { auditLog, apiKeys } = spied();
    const answer = await ask(
      `{ ${aliases(9, (i) => `auditLog(first: ${91 + i}) { nodes { id } }`)} ${Array.from({ length: 9 }, (_, i) => `k${i}: apiKeys(first: ${91 + i}) { nodes { id } }`).join(' ')} }`,
    );
    expect(answered(answer, ['first'], TOO_MANY)).toBe(15);
    expect(auditLog.mock.calls.length + apiKeys.mock.calls.length).toBe(15);
  });

  it('count for 150 more with a filter, which may have to look through many entries', async () => {
    const { apiKeys, auditLog } = spied();
    const keys = await ask(
      `{ ${aliases(20, (i) => `apiKeys(first: 10, filter: { nameContains: "x${i}" }) { totalCount }`)} }`,
    );
    expect(answered(keys, ['first'], TOO_MANY)).toBe(9);
    expect(apiKeys).toHaveBeenCalledTimes(9);
    latchkey.pass(60_000);
    const entries = await ask(
      `{ ${aliases(20, (i) => `auditLog(first: 10, filter: { subject: "key_${i}" }) { nodes { id } }`)} }`,
    );
    expect(answered(entries, ['first'], TOO_MANY)).toBe(9);
    expect(auditLog).toHaveBeenCalledTimes(9);
  });
});
