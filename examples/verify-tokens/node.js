// A service that knows its callers by Latchkey's signed tokens, and never asks Latchkey about one.
//   JWKS_URL=… ISSUER=… AUDIENCE=… PORT=8001 node examples/verify-tokens/node.js
import { createServer } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const { JWKS_URL, ISSUER, AUDIENCE, PORT = '8001' } = process.env;
// Caches the keys, and fetches them again for a key that it doesn't know.
const keys = createRemoteJWKSet(new URL(JWKS_URL));

/** Returns the claims of a token. Throws if it is invalid, expired, for another service or of another type. */
async function verify(token, typ) {
  const { payload } = await jwtVerify(token, keys, {
    issuer: ISSUER,
    audience: AUDIENCE,
    typ,
    algorithms: ['EdDSA'],
    requiredClaims: ['exp', 'sub', 'scope'],
  });
  return payload;
}

/** The gateway sends Latchkey-Principal; browsers and workers send a derived token. */
function callerOf({ headers }) {
  const principal = headers['latchkey-principal'];
  if (principal !== undefined) return verify(principal, 'latchkey-principal+jwt');
  return verify(/^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '', 'latchkey-derived+jwt');
}

createServer(async (request, response) => {
  response.setHeader('content-type', 'application/json');
  try {
    const { workspace, key_id, scope, plan } = await callerOf(request);
    if (!scope.split(' ').includes('read:orders')) {
      response.writeHead(403).end('{"error":"The caller lacks read:orders."}');
      return;
    }
    response.end(JSON.stringify({ workspace, key_id, scope, plan }));
  } catch {
    response.writeHead(401).end('{"error":"The token is missing or invalid."}');
  }
}).listen(Number(PORT), '127.0.0.1', function () {
  console.log(`Listening at http://127.0.0.1:${this.address().port}`);
});
