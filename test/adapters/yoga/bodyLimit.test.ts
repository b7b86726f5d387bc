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
