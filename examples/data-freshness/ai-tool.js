// Calls the API like an AI tool that knows only its address: it finds the issuer of access tokens through the 401 response, and
// sends a token of the issuer instead of a key. Tools with a user let the user sign in (authorization code with PKCE). This one
// runs without a user and has its own credentials at the issuer (client credentials, RFC 6749 section 4.4).
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

/** Returns the issuer that the metadata of the API names (RFC 9728). */
async function issuerOf(challenge) {
  const [, address] = /resource_metadata="([^"]+)"/.exec(challenge) ?? [];
  if (address === undefined) throw new Error('The API names no metadata: start it with PUBLIC_URL and an issuer.');
  const { resource, authorization_servers: issuers } = await read(address);
  // Section 3.3: with the metadata of another address, the token would be valid for another server.
  if (resource !== url) throw new Error(`${address} is about ${resource}, and not about ${url}.`);
  return issuers[0];
}

/** Returns an access token that is valid for this API only (RFC 8707). */
async function tokenOf(issuer) {
  const metadata = await read(`${issuer}/.well-known/openid-configuration`);
  // RFC 8414 section 3.3: the metadata must name the same issuer, or it may belong to another one.
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
