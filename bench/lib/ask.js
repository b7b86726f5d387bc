/**
 * Sends one request and returns the response's `data`.
 *
 * @param {string} url
 * @param {string} query
 * @param {Record<string, string>} headers
 * @returns {Promise<any>} the answer's `data`
 */
export async function ask(url, query, headers = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = await response.json();
  return errors === undefined ? data : { ...data, errors };
}

/**
 * Checks a server before it is measured: with a key it must return the expected data, and if it is guarded, no data
 * without a key.
 */
export async function assertAnswers({ name, url, headers, guarded }, { query, expected }) {
  const answer = await ask(url, query, headers);
  if (JSON.stringify(answer) !== JSON.stringify(expected)) {
    throw new Error(`${name} answers ${JSON.stringify(answer)}, not ${JSON.stringify(expected)}`);
  }
  if (!guarded) return;
  const refusal = await ask(url, query);
  if (refusal.errors === undefined) throw new Error(`${name} answers without a key: ${JSON.stringify(refusal)}`);
}
