// Follows what happens to assets by Server-Sent Events. The key is in the address, as with a browser's EventSource,
// which can't send headers. If your program can, send `Authorization: Bearer <key>` instead.
//   LATCHKEY_API_KEY=<key> node examples/configured-keys/watch.js [<after how many to end>]
import { TextDecoderStream } from 'node:stream/web';
import { URLSearchParams } from 'node:url';
import { main, Refused } from '../shared/client.js';

const { LATCHKEY_URL: url = 'http://127.0.0.1:4000/graphql', LATCHKEY_API_KEY: key = '' } = process.env;
const query = 'subscription { assetChanged { name freshness { status } } }';

/** Yields the results in messages of GraphQL over SSE. Other messages keep the connection alive, or end the stream. */
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
    // The server ended the stream, because the key was removed or lost a scope.
    if (errors !== undefined) throw new Refused(response, errors);
    console.log(`${data.assetChanged.name} ${data.assetChanged.freshness.status}`);
    if ((left -= 1) === 0) return;
  }
});
