import type { ApiKeyEnvironment, ApiKeyType, CreateApiKeyInput } from '../generated/graphql.js';
import { parseLocalInput } from '../../shared/dates/local.js';
import { formatMoment } from '../../shared/dates/moments.js';
import { DAY } from '../parts/relativeTime.js';
import { addressesFault, linesOf } from './addresses.js';

/** The values of the form. */
export interface NewKey {
  readonly name: string;
  readonly type: ApiKeyType;
  readonly environment: ApiKeyEnvironment;
  readonly scopes: readonly string[];
  /** Days from now, `never`, or `at`: at `expiresAt`. */
  readonly expiry: string;
  /** The value of a `datetime-local` input, in the viewer's time zone. */
  readonly expiresAt: string;
  readonly project: string | null;
  readonly user: string | null;
  readonly addresses: string;
}

export const EMPTY_KEY: NewKey = {
  name: '',
  type: 'SECRET',
  environment: 'LIVE',
  scopes: [],
  expiry: '90',
  expiresAt: '',
  project: null,
  user: null,
  addresses: '',
};

export const EXPIRIES: readonly { readonly value: string; readonly label: string }[] = [
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: '1 year' },
  { value: 'at', label: 'Custom date' },
  { value: 'never', label: 'Never' },
];

/** The error message of each invalid field. */
export type Faults = Readonly<Partial<Record<keyof NewKey, string>>>;

/** Validates the form before it is sent. The server validates it again. */
export function faultsOf(key: NewKey, now: number): Faults {
  const addresses = addressesFault(key.addresses);
  const expiresAt = expiryOf(key, now);
  return {
    ...(key.name.trim() === '' && { name: 'Give the key a name.' }),
    ...(key.scopes.length === 0 && { scopes: 'Choose at least one scope.' }),
    ...(key.expiry === 'at' && expiresAt === null && { expiresAt: 'Choose a date and a time.' }),
    ...(expiresAt !== null && expiresAt <= now && { expiresAt: 'This time is in the past. Choose a later one.' }),
    ...(addresses !== null && { addresses }),
  };
}

export function inputOf(key: NewKey, now: number): CreateApiKeyInput {
  const { name, type, environment, scopes, project, user, addresses } = key;
  const expiresAt = expiryOf(key, now);
  const allowedAddresses = linesOf(addresses);
  return {
    name: name.trim(),
    type,
    environment,
    scopes,
    ...(expiresAt !== null && { expiresAt: formatMoment(expiresAt) }),
    ...(project !== null && { projectId: project }),
    ...(user !== null && { userId: user }),
    ...(allowedAddresses.length > 0 && { allowedAddresses }),
  };
}

/** Returns ms since the epoch; null means never, or no time was chosen. */
function expiryOf({ expiry, expiresAt }: NewKey, now: number): number | null {
  if (expiry === 'never') return null;
  return expiry === 'at' ? parseLocalInput(expiresAt) : now + Number(expiry) * DAY;
}

/** Maps arguments of the API to fields of the form. */
export const FIELDS: Readonly<Record<string, keyof NewKey>> = {
  name: 'name',
  type: 'type',
  environment: 'environment',
  scopes: 'scopes',
  expiresAt: 'expiresAt',
  projectId: 'project',
  userId: 'user',
  allowedAddresses: 'addresses',
};
