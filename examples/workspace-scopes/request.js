// Sends the same request from JavaScript, and explains refusals.
//   LATCHKEY_API_KEY=<key> node examples/workspace-scopes/request.js '{ assets { name } }'
import { ask, Refused } from '../shared/client.js';

const FIX = {
  UNAUTHENTICATED: () => 'Unauthorized: see that the key is sent as "Authorization: Bearer …", whole and not revoked.',
  FORBIDDEN: ({ missing }) => `Forbidden: the key lacks ${missing}. Add it with add-scope.js, or use another key.`,
  HTTPS_REQUIRED: () => 'Forbidden: use the https address, and replace the key, which was sent in plain text.',
  RATE_LIMITED: ({ retryAfter }) => `Too Many Requests: come again in ${retryAfter} s.`,
};

try {
  console.log(JSON.stringify(await ask(process.argv[2])));
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  console.error(`${error.status} ${FIX[error.code]?.(error) ?? error.message}`);
  process.exitCode = 1;
}
