// The known tables of other systems: their columns, and which of them don't restrict a key.

export const SOURCES = ['better-auth', 'sha256', 'bcrypt'] as const;
export type Source = (typeof SOURCES)[number];

/** The values that are read from a row. */
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

/** The names of the input's columns. Several names are those of different releases. null if the input has no such column. */
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
  // The table of the plugin api-key. `key` is the SHA-256 of the whole key, in base64url without padding.
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
    // Latchkey limits keys by tier, and counts start again.
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
