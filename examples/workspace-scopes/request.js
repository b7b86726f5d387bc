// The same request from JavaScript, with the meaning of what is refused and how to mend it.
//   LATCHKEY_API_KEY=<key> node examples/workspace-scopes/request.js '{ assets { name } }'
import { ask, Refused } from '../shared/client.js';

const FIX = {
  UNAUTHENTICATED: () => 'Unauthorized: see that the key is sent as "Authorization: Bearer …", whole and not revoked.',
  FORBIDDEN: ({ missing }) => `Forbidden: the key lacks ${missing}. Add it with add-scope.js, or use another key.`,
  HTTPS_REQUIRED: () => 'Forbidden: use the https address, and have the key replaced, which went there in clear.',
  RATE_LIMITED: ({ retryAfter }) => `Too Many Requests: come again in ${retryAfter} s.`,
};

try {
  console.log(JSON.stringify(await ask(process.argv[2])));
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  console.error(`${error.status} ${FIX[error.code]?.(error) ?? error.message}`);
  process.exitCode = 1;
}
