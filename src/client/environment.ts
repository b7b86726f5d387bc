/**
 * Reads an environment variable of the client. Browsers have none, and Deno has only the ones that it may read.
 *
 * @returns undefined if it is not set or empty, which is how Compose files and CI pass an unset variable
 */
export function fromEnvironment(name: 'LATCHKEY_URL' | 'LATCHKEY_API_KEY'): string | undefined {
  const { process } = globalThis as { process?: { env?: Readonly<Record<string, string | undefined>> } };
  const value = process?.env?.[name];
  return value === '' ? undefined : value;
}
