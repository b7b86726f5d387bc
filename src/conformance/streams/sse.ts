import { request } from 'node:http';
import { Reading, type Stream, type StreamRequest, type StreamResult } from './reading.js';

/** Opens a stream in the distinct connections mode of graphql-sse. */
export function openSse({ url, query, token }: StreamRequest): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...(token !== null && { authorization: `Bearer ${token}` }),
    };
    const outgoing = request(url, { method: 'POST', agent: false, headers });
    const stream = new Reading(() => outgoing.destroy());
    outgoing.on('error', (error) => {
      stream.end();
      reject(error);
    });
    outgoing.on('response', (response) => {
      let text = '';
      const isStream = response.headers['content-type']?.startsWith('text/event-stream') === true;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (!isStream) return;
        const blocks = text.split(/\r?\n\r?\n/);
        text = blocks.pop() ?? '';
        for (const block of blocks) takeBlock(stream, block);
      });
      response.on('error', () => stream.end());
      response.on('close', () => {
        if (!isStream) takeJson(stream, text);
        stream.end();
      });
      resolve(stream);
    });
    outgoing.end(JSON.stringify({ query }));
  });
}

function takeBlock(stream: Reading, block: string): void {
  if (!/^event: ?next$/m.test(block)) return;
  const data = /^data: ?(.*)$/m.exec(block)?.[1];
  if (data !== undefined) takeJson(stream, data);
}

function takeJson(stream: Reading, text: string): void {
  try {
    stream.take(JSON.parse(text) as StreamResult);
  } catch {
    stream.end(`no JSON: ${text.slice(0, 200)}`);
  }
}
