// Follows what happens to assets by Server-Sent Events. The key stands in the address, as where a browser's EventSource is
// used, which can send no header; a program that can had better send `Authorization: Bearer <key>`.
//   LATCHKEY_API_KEY=<key> node examples/configured-keys/watch.js [<after how many to end>]
import { TextDecoderStream } from 'node:stream/web';
import { URLSearchParams } from 'node:url';
import { main, Refused } from '../shared/client.js';

const { LATCHKEY_URL: url = 'http://127.0.0.1:4000/graphql', LATCHKEY_API_KEY: key = '' } = process.env;
const query = 'subscription { assetChanged { name freshness { status } } }';

/** Results in the messages of GraphQL over SSE; what is no result is a sign of life, or the end. */
async function* results(body) {
  let text = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const messages = (text + chunk).split('\n\n');
    text = messages.pop();
    for (const message of messages) {
      const [, data] = /^event: next\ndata: (.*)$/.exec(message) ?? [];
      if (data !== undefined) yield JSON.parse(data);
    }
  }
}

await main(async () => {
  const response = await fetch(`${url}/stream?${new URLSearchParams({ query, api_key: key })}`, {
    headers: { accept: 'text/event-stream' },
  });
  if (!response.ok) throw new Refused(response, (await response.json()).errors);
  console.log('watching');
  let left = Number(process.argv[2] ?? Infinity);
  for await (const { data, errors } of results(response.body)) {
    // The last word of a stream that the server ends: the key was taken out, or may no longer.
    if (errors !== undefined) throw new Refused(response, errors);
    console.log(`${data.assetChanged.name} ${data.assetChanged.freshness.status}`);
    if ((left -= 1) === 0) return;
  }
});
