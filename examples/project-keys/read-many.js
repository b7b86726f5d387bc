// Sends more requests than the limit allows, waits as the responses say, and continues until all have succeeded.
//   LATCHKEY_API_KEY=<key> node examples/project-keys/read-many.js <how often>
import { retrying } from './retry.js';

const { LATCHKEY_URL: url = 'http://127.0.0.1:4000/graphql', LATCHKEY_API_KEY: key } = process.env;
let refused = 0;

const read = async () => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query: '{ assets { name } }' }),
  });
  if (response.status === 429) refused += 1;
  return response;
};

let done = 0;
for (let left = Number(process.argv[2]); left > 0; left -= 1) {
  const response = await retrying(read);
  if (response.status !== 200) throw new Error(`The server responded with HTTP ${response.status}.`);
  done += 1;
}
console.log(`${done} read, ${refused} refused on the way`);
