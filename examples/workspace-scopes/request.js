// The same request from JavaScript, with the meaning of what is refused and how to mend it.
//   LATCHKEY_API_KEY=<key> node examples/workspace-scopes/request.js '{ assets { name } }'
import { ask, Refused } from '../shared/client.js';

const FIX = {
  401: () => 'Unauthorized: see that the key is sent as "Authorization: Bearer …", whole and not revoked.',
  403: ({ missing }) => `Forbidden: the key lacks ${missing}. Add it with add-scope.js, or use another key.`,
  429: ({ retryAfter }) => `Too Many Requests: come again in ${retryAfter} s.`,
};

try {
  console.log(JSON.stringify(await ask(process.argv[2])));
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  console.error(`${error.status} ${FIX[error.status]?.(error) ?? error.message}`);
  process.exitCode = 1;
}
