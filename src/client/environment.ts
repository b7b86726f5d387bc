/**
 * The one place of the client that looks at the environment: LATCHKEY_URL and LATCHKEY_API_KEY. A browser has none, and
 * Deno gives what it was allowed to.
 *
 * @returns undefined where it is not set, or empty, as compose files and CI leave what nobody filled in
 */
export function fromEnvironment(name: 'LATCHKEY_URL' | 'LATCHKEY_API_KEY'): string | undefined {
  const { process } = globalThis as { process?: { env?: Readonly<Record<string, string | undefined>> } };
  const value = process?.env?.[name];
  return value === '' ? undefined : value;
}
