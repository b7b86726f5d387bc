import { OPERATOR_KEY } from '../support/service.js';
import { scopesOfSchema } from './operations.js';
import { mayBeMade, ROLES, TYPES, type Authority, type Role, type Type } from './rule.js';
import { configuredToken, PLACES, type Place, type World } from './world.js';

/** The owner of the credential. */
export interface Asker extends Authority {
  readonly name: string;
  readonly place: Place;
  /** Whether the credential is a key from the store. Default: false. */
  readonly isStoredKey?: boolean;
  token(world: World): Promise<string | null>;
}

const SCOPES = [
  ...scopesOfSchema().map((scope) => [scope]),
  ['read-only'],
  ['read-write'],
  ['read:all', 'write:assets'],
];
const OWNERS: readonly (Role | null)[] = [null, 'viewer', 'editor', 'admin'];

export interface KeyOfMatrix {
  readonly type: Type;
  readonly role: Role | null;
  readonly scopes: readonly string[];
  readonly place: Place;
}

export const keys: KeyOfMatrix[] = TYPES.flatMap(
  (type) =>
    OWNERS.flatMap((role) => SCOPES.flatMap((scopes) => PLACES.map((place) => ({ type, role, scopes, place })))),
  // `platform` gives access to every workspace, so one place is enough.
).filter(({ scopes, place }) => !(scopes.includes('platform') && place === 'other workspace'));

export const isBound = ({ place }: Pick<KeyOfMatrix, 'place'>): boolean => place.endsWith('project');
export const inWords = ({ type, role, scopes, place }: KeyOfMatrix): string =>
  `${type}, ${role === null ? "the workspace's own" : `of a user who is ${role}`}, ${scopes.join(' + ')}, of the ${place}`;

export const inputOf = (
  world: World,
  { type, role, scopes, place }: KeyOfMatrix,
): { scopes: string[]; type: string } => ({
  type,
  scopes: [...scopes],
  ...(role !== null && { userId: world.user(role, place) }),
});

/**
 * The keys that call the operations: secret keys at every place, and keys of the other types at one place each, in turn. A type
 * only restricts the scopes that a key can be created with. So each pair of a type with an owner, a scope and a place occurs.
 */
export const callers: readonly KeyOfMatrix[] = keys
  .filter((key) => mayBeMade(key.type, key.scopes, isBound(key)))
  .filter(({ type, role, scopes, place }) => {
    const turn = OWNERS.indexOf(role) + SCOPES.findIndex((each) => each.join() === scopes.join());
    return type === 'SECRET' || place === PLACES[turn % PLACES.length];
  });

export const askers: Asker[] = [
  { name: 'nobody', scopes: null, role: null, place: 'workspace', token: () => Promise.resolve(null) },
  {
    name: "the operator's key",
    scopes: ['platform'],
    role: null,
    place: 'workspace',
    token: () => Promise.resolve(OPERATOR_KEY),
  },
  ...(Object.keys(ROLES) as Role[]).map((role) => ({
    name: `a configured key, ${role}`,
    scopes: ROLES[role],
    role: null,
    place: 'workspace' as const,
    token: () => Promise.resolve(configuredToken(role)),
  })),
  ...[...SCOPES, ...(Object.keys(ROLES) as Role[])].map((given) => {
    const byScope = typeof given !== 'string';
    return {
      name: `an access token: ${byScope ? given.join(' + ') : `of the role ${given}`}`,
      // `platform` and bundles grant nothing if an issuer sends them as scopes.
      scopes: byScope ? given.filter((scope) => scope !== 'platform' && !scope.startsWith('read-')) : ROLES[given],
      role: null,
      place: 'workspace' as const,
      token: ({ issuer }: World) => issuer.sign(byScope ? { scope: given.join(' ') } : { scope: '', roles: [given] }),
    };
  }),
  ...callers.map((key) => ({
    ...key,
    isStoredKey: true,
    name: `a key: ${inWords(key)}`,
    token: async (world: World) => (await world.make(key.place, inputOf(world, key))).token,
  })),
];
