// Shared by the examples: sends one operation with the key from the environment.
//   LATCHKEY_URL      default: http://127.0.0.1:4000/graphql
//   LATCHKEY_API_KEY  the key

/**
 * A refused request: HTTP `status` and `challenge`, the `code` of the first error, and its `missing` scopes or the seconds to
 * wait.
 */
export class Refused extends Error {
  constructor(response, [{ message, extensions }]) {
    super(message);
    this.status = response.status;
    this.challenge = response.headers.get('www-authenticate');
    this.code = extensions?.code;
    this.retryAfter = extensions?.retryAfter;
    this.missing = extensions?.missing;
  }
}

/** Sends an operation. @throws Refused */
export async function ask(query, variables = {}) {
  const { LATCHKEY_URL: url = 'http://127.0.0.1:4000/graphql', LATCHKEY_API_KEY: key } = process.env;
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors !== undefined) throw new Refused(response, errors);
  return data;
}

/** Runs a script. If a request is refused, prints the refusal to standard error and exits with status 2. */
export async function main(run) {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const wait = error.retryAfter === undefined ? '' : ` (Retry-After: ${error.retryAfter})`;
    console.error(`${error.status} ${error.code}: ${error.message}${wait}`);
    process.exitCode = 2;
  }
}
