/** The tables that are known by name: which columns they have, and what of them says nothing about what a key may do. */

export const SOURCES = ['better-auth', 'sha256', 'bcrypt'] as const;
export type Source = (typeof SOURCES)[number];

/** What is read of a row. */
export const COLUMNS = [
  'digest',
  'locator',
  'name',
  'shown',
  'scopes',
  'enabled',
  'revoked',
  'expires',
  'created',
  'owner',
  'uses',
] as const;
export type Column = (typeof COLUMNS)[number];

/** By which columns of the input; several are names that releases of the system gave it. null: it has none. */
export type Columns = Readonly<Record<Column, readonly string[] | null>>;

interface Preset {
  readonly columns: Columns;
  readonly ignore: readonly string[];
}

const NONE: Columns = {
  digest: ['digest'],
  locator: null,
  name: ['name'],
  shown: null,
  scopes: ['scopes'],
  enabled: null,
  revoked: null,
  expires: ['expiresAt'],
  created: null,
  owner: null,
  uses: null,
};

export const PRESETS: Readonly<Record<Source, Preset>> = {
  // The table of its plugin api-key: `key` is the unpadded base64url of the whole key's SHA-256.
  'better-auth': {
    columns: {
      ...NONE,
      digest: ['key'],
      shown: ['start'],
      scopes: ['permissions'],
      enabled: ['enabled'],
      created: ['createdAt'],
      owner: ['referenceId', 'userId'],
      uses: ['remaining'],
    },
    // Its limits are the tier's here, and its counts begin anew.
    ignore: [
      '_id',
      'id',
      'configId',
      'prefix',
      'refillInterval',
      'refillAmount',
      'lastRefillAt',
      'rateLimitEnabled',
      'rateLimitTimeWindow',
      'rateLimitMax',
      'requestCount',
      'lastRequest',
      'updatedAt',
      'metadata',
    ],
  },
  sha256: { columns: NONE, ignore: ['id'] },
  bcrypt: { columns: { ...NONE, locator: ['prefix'] }, ignore: ['id'] },
};
