import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CREATES_TOKEN } from '../../src/core/limits/keyCreation.js';
import { attempt } from '../e2e/operations.js';
import { AUDIENCE, startIssuer, type Issuer } from '../support/issuer.js';
import { openStream } from '../support/streams.js';
import { OPERATOR_KEY, type Answer } from '../support/service.js';
import { ASKED, DERIVED_SCOPE, type Asked, type Gift } from './asked.js';
import { askers, callers, inputOf, inWords, isBound, keys, type Asker, type KeyOfMatrix } from './askers.js';
import { operations, type Operation } from './operations.js';
import { mayAsk, mayBeMade, mayGive, ROLES } from './rule.js';
import { MARK, NEVER, startWorld, STRONG_ROLE, WORKSPACE_MARK, type Subject, type World } from './world.js';

const OPERATIONS = operations();

const dir = mkdtempSync(join(tmpdir(), 'latchkey-matrix-'));
let issuer: Issuer;
let world: World;
beforeAll(async () => {
  const path = join(dir, 'latchkey.yaml');
  const entries = Object.keys(ROLES).map(
    (role) => `      - { key: "\${KEY_OF_${role.toUpperCase()}}", name: ${role}, roles: [${role}] }`,
  );
  issuer = await startIssuer();
  const oidc = `{ enabled: true, issuer: "${issuer.url}", audience: "${AUDIENCE}" }`;
  writeFileSync(
    path,
    `auth:\n  oidc: ${oidc}\n  api_keys:\n    enabled: true\n    keys:\n${entries.join('\n')}\nroles:\n  ${STRONG_ROLE}: [platform]\n`,
  );
  world = await startWorld(path, issuer);
});
afterAll(async () => {
  await world.service.close();
  await issuer.leave();
  rmSync(dir, { recursive: true });
});

let count = 0;
/** The caller's record may have been removed from the cache since it was read. */
let changed = true;

async function readAgain(token: string | null): Promise<void> {
  await world.service.query('{ tiers { tier } }', { token });
  changed = false;
}

/** Returns the subject. Creates the record again that the operation uses up. */
async function subjectOf({ usesUp }: Asked): Promise<Subject> {
  const { subject, service } = world;
  if (usesUp === 'key') return { ...subject, key: (await world.make('project', { name: `spare ${MARK}` })).id };
  if (usesUp === 'user') {
    count += 1;
    const made = await attempt(
      service,
      'addUser',
      { name: `${count} ${WORKSPACE_MARK}`, roles: ['viewer'] },
      OPERATOR_KEY,
    );
    return { ...subject, user: made.body.data.addUser.user.id };
  }
  return subject;
}

type Answered = Pick<Answer, 'status' | 'text' | 'body'>;

async function ask(
  { kind, document }: Operation,
  asked: Asked,
  subject: Subject,
  token: string | null,
): Promise<Answered> {
  count += 1;
  const { service } = world;
  const variables = asked.given?.(subject, `unique ${count}`) ?? {};
  if (kind !== 'subscription') {
    if (kind === 'mutation') changed = true;
    return service.query(document, { token, variables });
  }
  const stream = await openStream(service.origin, document, { token, variables });
  const { status, body } = stream;
  stream.close();
  return { status, body, text: JSON.stringify(body) };
}

/** Asserts the result of one operation for one caller. */
async function assertCell(asker: Asker, token: string | null, operation: Operation): Promise<void> {
  const asked = ASKED[operation.root];
  if (asked === undefined) throw new Error(`Say in ASKED what ${operation.root} is asked.`);
  if (!mayAsk(asker, operation.rules, operation.isPublic)) return assertRefused(asker, token, operation, asked);

  const isThere = asker.place !== 'other workspace';
  const ofWhole = asked.concerns === "asker's workspace" || asked.concerns === 'whole workspace';
  const reaches = {
    asker: true,
    "asker's key": true,
    "asker's workspace": true,
    project: isThere && asker.place !== 'other project',
    workspace: isThere,
    'whole workspace': isThere,
  }[asked.concerns];
  if (ofWhole && isBound(asker)) {
    const { body } = await ask(operation, asked, world.subject, token);
    expect(body).toMatchObject({ data: { [operation.field]: null }, errors: [{ extensions: { code: 'FORBIDDEN' } }] });
  } else if (asked.concerns === "asker's key" && !(asker.isStoredKey === true && mayGive(asker, DERIVED_SCOPE))) {
    const { body } = await ask(operation, asked, world.subject, token);
    const code = asker.isStoredKey === true ? 'SCOPE_NOT_HELD' : 'FORBIDDEN';
    expect(body).toMatchObject({ data: { [operation.field]: null }, errors: [{ extensions: { code } }] });
  } else if (reaches) {
    const answer = await ask(operation, asked, await subjectOf(asked), token);
    const { status, body } = answer;
    if (operation.kind === 'subscription') {
      expect([status, body]).toEqual([200, null]);
      return;
    }
    expect([status, body.errors]).toEqual([200, undefined]);
    expect(body.data[operation.field]).not.toBeNull();
    if (!isThere || asker.place === 'other project') assertNothingOf(answer, MARK);
    if (!isThere) assertNothingOf(answer, WORKSPACE_MARK);
  } else {
    const foreign = await ask(operation, asked, world.subject, token);
    const never = await ask(operation, asked, NEVER, token);
    expect([foreign.status, foreign.text]).toEqual([never.status, never.text]);
    assertNothingOf(foreign, MARK);
  }
}

function assertNothingOf({ text }: Answered, mark: string): void {
  expect(text).not.toContain(mark);
}

async function assertRefused(asker: Asker, token: string | null, operation: Operation, asked: Asked): Promise<void> {
  if (changed) await readAgain(token);
  world.asked();
  const answer = await ask(operation, asked, world.subject, token);
  changed = false;
  const [status, code] = asker.scopes === null ? [401, 'UNAUTHENTICATED'] : [403, 'FORBIDDEN'];
  const said = [answer.status, answer.body.errors[0].extensions.code, 'data' in answer.body];
  // No resolver ran: each would have read the store, or returned data.
  expect([...said, world.asked()]).toEqual([status, code, false, 0]);
}

test('the matrix calls every root field of the schema', () => {
  expect(OPERATIONS.map(({ root }) => root)).toEqual(expect.arrayContaining(Object.keys(ASKED)));
  expect(Object.keys(ASKED)).toEqual(expect.arrayContaining(OPERATIONS.map(({ root }) => root)));
  expect(OPERATIONS.filter(({ root, name }) => root !== name).length).toBeGreaterThan(3);
});

test('the callers have every pair of a type with an owner, a scope and a place', () => {
  const pairs = (of: readonly KeyOfMatrix[]) =>
    new Set(
      of.flatMap(({ type, role, scopes, place }) => [
        `${type} ${role}`,
        `${type} ${scopes.join()}`,
        `${type} ${place}`,
      ]),
    );
  const possible = keys.filter((key) => mayBeMade(key.type, key.scopes, isBound(key)));
  expect([...pairs(callers)].toSorted()).toEqual([...pairs(possible)].toSorted());
});

describe('access to operations', () => {
  it.each(askers.map((asker) => [asker.name, asker] as const))('%s', async (_, asker) => {
    const token = await asker.token(world);
    await readAgain(token);
    for (const operation of OPERATIONS) {
      try {
        await assertCell(asker, token, operation);
      } catch (error) {
        throw new Error(operation.name, { cause: error });
      }
    }
  });
});

test('R6: exactly the mutations that hash a token count as creating a key', async () => {
  const hashing: string[] = [];
  for (const operation of OPERATIONS.filter(({ kind }) => kind === 'mutation')) {
    const asked = ASKED[operation.root] ?? { concerns: 'asker' };
    const subject = await subjectOf(asked);
    const isOfKey = asked.concerns === "asker's key";
    const token = isOfKey ? (await world.make('workspace', { scopes: ['admin'] })).token : OPERATOR_KEY;
    const before = world.service.service.latchkey.bcrypt.counts.hashes;
    expect((await ask(operation, asked, subject, token)).body.errors).toBeUndefined();
    if (world.service.service.latchkey.bcrypt.counts.hashes > before) hashing.push(operation.field);
  }
  expect([...new Set(hashing)].toSorted()).toEqual(CREATES_TOKEN.toSorted());
});

describe('R7: granted rights', () => {
  const givers = askers.filter(({ place }) => place === 'workspace');
  const gifts = OPERATIONS.flatMap((operation) => {
    const gives = ASKED[operation.root]?.gives;
    return gives === undefined || gives === 'nothing' ? [] : gives.map((gift) => ({ operation, gift }));
  });

  test('R7: every mutation declares the rights that it can grant', () => {
    const mutations = OPERATIONS.filter(({ kind }) => kind === 'mutation').map(({ root }) => root);
    expect(mutations.filter((root) => ASKED[root]?.gives === undefined)).toEqual([]);
    expect(gifts.length).toBeGreaterThan(8);
  });

  it.each(givers.map((asker) => [asker.name, asker] as const))(
    'R7: %s can grant only scopes that it has',
    async (_, asker) => {
      const token = await asker.token(world);
      for (const { operation, gift } of gifts) {
        if (!mayAsk(asker, operation.rules, operation.isPublic)) continue;
        try {
          await assertGift(asker, token, operation, gift);
        } catch (error) {
          throw new Error(`${operation.name}: ${gift.what}`, { cause: error });
        }
      }
    },
  );
});

/** Created for a refused grant, and so unchanged. */
let untouched: ReturnType<World['withStrong']> | null = null;

/** Asserts that callers with the scope can grant it, and that others are refused and nothing is written. */
async function assertGift(asker: Asker, token: string | null, operation: Operation, gift: Gift): Promise<void> {
  const { service, strong, subject } = await (untouched ?? world.withStrong());
  untouched = null;
  const input = gift.input(subject, strong);
  const before = await world.head();
  const { body } = await service.query(operation.document, { token, variables: { input } });
  if (mayGive(asker, 'platform')) {
    expect(body).toMatchObject({ data: { [operation.field]: expect.anything() } });
    expect(await world.head()).toBe(before + 1);
  } else {
    expect(body).toMatchObject({
      data: { [operation.field]: null },
      errors: [{ extensions: { code: 'SCOPE_NOT_HELD', missing: ['platform'] } }],
    });
    expect(await world.head()).toBe(before);
    untouched = Promise.resolve({ service, strong, subject });
  }
}

describe('refused combinations of scopes', () => {
  it.each(
    keys.filter((key) => !mayBeMade(key.type, key.scopes, isBound(key))).map((key) => [inWords(key), key] as const),
  )('%s', async (_, key) => {
    await expect(world.make(key.place, inputOf(world, key))).rejects.toThrow(/BAD_USER_INPUT/);
  });
});
