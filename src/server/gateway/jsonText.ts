/** Returns the value of a JSON text; null if it is not valid. */
export function asJsonText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
