// What an AI tool does that knows nothing but the API's address: the answer 401 leads to the issuer of access tokens, and a
// token of that issuer is sent instead of a key. A tool in which somebody sits has them sign in and agree (authorization code with
// PKCE); this one runs by itself, and has its own credentials at the issuer (client credentials, RFC 6749 section 4.4).
//   CLIENT_ID=<id> CLIENT_SECRET=<secret> node examples/data-freshness/ai-tool.js <scope> <operation>
import { Buffer } from 'node:buffer';
import { URLSearchParams } from 'node:url';
import { ask, main, Refused } from '../shared/client.js';

const { LATCHKEY_URL: url = 'http://127.0.0.1:4000/graphql', CLIENT_ID: id, CLIENT_SECRET: secret } = process.env;
const [scope, operation] = process.argv.slice(2);

async function read(address, options) {
  const response = await fetch(address, options);
  if (!response.ok) throw new Error(`${address} answered ${response.status}.`);
  return response.json();
}

/** @returns the issuer, whom the API's own metadata names (RFC 9728) */
async function issuerOf(challenge) {
  const [, address] = /resource_metadata="([^"]+)"/.exec(challenge) ?? [];
  if (address === undefined) throw new Error('The API names no metadata: start it with PUBLIC_URL and an issuer.');
  const { resource, authorization_servers: issuers } = await read(address);
  // Section 3.3: metadata of another address would have the token made out to somebody else.
  if (resource !== url) throw new Error(`${address} is about ${resource}, and not about ${url}.`);
  return issuers[0];
}

/** @returns an access token for the API and nobody else (RFC 8707) */
async function tokenOf(issuer) {
  const metadata = await read(`${issuer}/.well-known/openid-configuration`);
  // RFC 8414 section 3.3: who can answer for the issuer's address is not yet the issuer.
  if (metadata.issuer !== issuer) throw new Error(`${issuer} calls itself ${metadata.issuer}.`);
  const basic = Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64');
  const { access_token: token } = await read(metadata.token_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope, resource: url }),
  });
  return token;
}

await main(async () => {
  const challenge = await ask(operation).then(
    () => null,
    (error) => (error instanceof Refused && error.status === 401 ? error.challenge : Promise.reject(error)),
  );
  if (challenge === null) throw new Error('The API asked for no credential: unset LATCHKEY_API_KEY.');
  const issuer = await issuerOf(challenge);
  console.log(`401: ${new URL(url).pathname} leads to ${issuer}`);
  process.env.LATCHKEY_API_KEY = await tokenOf(issuer);
  console.log(JSON.stringify(await ask(operation)));
});
