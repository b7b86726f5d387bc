import { gzipSync } from 'node:zlib';
import { SHOP, shopResolvers } from '../shop.js';
import { startYoga, type OwnYoga } from './startYoga.js';

const typeDefs = SHOP;
const ran: string[] = [];
const resolvers = shopResolvers(ran);
const MOST = 1_000;

/** Whether each body reached the parser without another stream. */
const direct: boolean[] = [];
/** A parser of another plugin, listed after Latchkey's. */
const parser = {
  onRequestParse: ({
    request,
    setRequestParser,
  }: {
    request: Request;
    setRequestParser: (parse: (given: Request) => Promise<unknown>) => void;
  }) =>
    setRequestParser((given) => {
      direct.push(given === request);
      return given.json();
    }),
};

let own: OwnYoga;
beforeAll(async () => {
  own = await startYoga({ typeDefs, resolvers, plugin: { maxBodyBytes: MOST }, after: [parser] });
});
beforeEach(() => {
  ran.length = 0;
  direct.length = 0;
});
afterAll(() => own.close());

const bodyOf = (bytes: number) => {
  const text = '{"query":"{ open }"}';
  return text + ' '.repeat(bytes - text.length);
};

function send(text: string, isChunked: boolean) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${own.token}` };
  if (!isChunked) return own.send({ method: 'POST', headers, body: text });
  const half = Buffer.byteLength(text) / 2;
  const parts = [text.slice(0, half), text.slice(half)];
  const body = new ReadableStream({
    pull: (controller) => {
      const part = parts.shift();
      if (part === undefined) controller.close();
      else controller.enqueue(Buffer.from(part));
    },
  });
  return own.send({ method: 'POST', headers, body, duplex: 'half' });
}

it.each([
  ['with Content-Length, which is not counted again', false],
  ['without Content-Length', true],
])('refuses a body over maxBodyBytes %s', async (_, isChunked) => {
  const fits = await send(bodyOf(MOST), isChunked);
  expect({ status: fits.status, body: fits.body }).toEqual({ status: 200, body: { data: { open: 1 } } });
  expect(direct).toEqual([!isChunked]);
  const { status, body } = await send(bodyOf(MOST + 1), isChunked);
  expect(status).toBe(413);
  expect(body.errors[0].message).toBe('The body is larger than 1000 bytes. Send less in one request.');
  expect(body.errors[0].extensions.code).toBe('BAD_REQUEST');
  expect(ran).toEqual(['open']);
});

it('refuses a body over 25 MB by default', async () => {
  const server = await startYoga({ typeDefs, resolvers });
  try {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${server.token}` };
    const { status } = await server.send({ method: 'POST', headers, body: bodyOf(25_000_001) });
    expect(status).toBe(413);
  } finally {
    await server.close();
  }
});

/** Decompresses bodies, like useContentEncoding of Yoga's server: the header fields stay the same. */
const decompressing = {
  onRequest({ request, setRequest }: { request: Request; setRequest: (request: Request) => void }) {
    if (request.headers.get('content-encoding') !== 'gzip' || request.body === null) return;
    const { url, method, headers, body } = request;
    const whole = body.pipeThrough(new DecompressionStream('gzip') as never);
    setRequest(new Request(url, { method, headers, body: whole, duplex: 'half' } as RequestInit));
  },
};

it('bounds a compressed body after another plugin has decompressed it', async () => {
  const server = await startYoga({ typeDefs, resolvers, plugin: { maxBodyBytes: MOST }, before: [decompressing] });
  try {
    const answer = async (bytes: number): Promise<number> => {
      const body = gzipSync(bodyOf(bytes));
      expect(body.byteLength).toBeLessThan(MOST);
      const types = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
      const headers = { ...types, authorization: `Bearer ${server.token}` };
      return (await server.send({ method: 'POST', headers, body: new Uint8Array(body) })).status;
    };
    expect(await answer(MOST)).toBe(200);
    expect(await answer(100 * MOST)).toBe(413);
  } finally {
    await server.close();
  }
});
