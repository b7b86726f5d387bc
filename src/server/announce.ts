import { describeStore, type StoreAddress } from '../core/store/open.js';
import type { Settings } from './settings/settings.js';

/** The first key, as printed at the first start. */
export interface FirstKey {
  readonly key: { readonly workspaceId: string };
  readonly token: string;
}

/**
 * Returns the text that is printed on standard output at startup. At the first start, it contains the admin key, which is never
 * logged and is not shown again.
 */
export function announce(
  address: string,
  firstKey: FirstKey | null,
  settings: StoreAddress & Pick<Settings, 'operator' | 'dashboard' | 'gateway'>,
): string {
  const url = `${address}/graphql`;
  const lines = [`Latchkey listens on ${url}`];
  // A gateway's /graphql has only the fields of its API.
  const management = settings.gateway === null ? url : `${address}/admin/graphql`;
  if (settings.gateway !== null) {
    lines.push(`It forwards operations to ${settings.gateway.upstream}`, `Key management is at ${management}`);
  }
  if (settings.dashboard) lines.push(`The dashboard is at ${address}/dashboard/`);
  lines.push(`Keys are stored in ${describeStore(settings).name}.`);
  const key = firstKey?.token ?? (settings.operator === null ? null : '$ADMIN_API_KEY');
  // Otherwise people wait for the key that the first start prints without ADMIN_API_KEY.
  if (settings.operator !== null) lines.push('No admin key was created: ADMIN_API_KEY is set. Use that key.');
  if (firstKey !== null) lines.push('', ...keyLines(firstKey));
  if (key !== null) {
    lines.push('', 'Try it:', '', curlLine(management, key));
  }
  return `${lines.join('\n')}\n`;
}

/** Returns the text with the first key for a start that failed after the key was stored. Otherwise the key would be lost. */
export function announceKey(firstKey: FirstKey): string {
  return `${keyLines(firstKey).join('\n')}\n`;
}

function keyLines({ key, token }: FirstKey): string[] {
  return [
    `Workspace: ${key.workspaceId}`,
    `Admin key: ${token}`,
    'Store it now: the server keeps only a hash of it and cannot show it again.',
  ];
}

function curlLine(url: string, key: string): string {
  const query = '{ viewer { workspace { name tier } scopes limits { rate { remaining } } } }';
  return `  curl ${url} -H "Authorization: Bearer ${key}" -H 'Content-Type: application/json' -d '{"query":"${query}"}'`;
}
