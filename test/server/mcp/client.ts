import { Client, StreamableHTTPClientTransport, type ClientOptions } from '@modelcontextprotocol/client';
import type { TestService } from '../../support/service.js';

/** A result, in the form that tests use. */
export interface Called {
  readonly isError: boolean;
  // Tests read any property of a response; a missing one fails the test.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly value: any;
}

/** The official client, connected. */
export interface Connected {
  readonly client: Client;
  /** The names of the offered tools. */
  tools(): Promise<string[]>;
  /** Calls a tool, and checks that its text matches its data. */
  call(name: string, args?: Record<string, unknown>): Promise<Called>;
  close(): Promise<void>;
}

type TransportOptions = ConstructorParameters<typeof StreamableHTTPClientTransport>[1];

export async function connect(
  { origin }: Pick<TestService, 'origin'>,
  credential: string | TransportOptions,
  url = `${origin}/mcp`,
  clientOptions: ClientOptions = {},
): Promise<Connected> {
  const client = new Client({ name: 'tests', version: '1.0.0' }, clientOptions);
  const options: TransportOptions =
    typeof credential === 'string'
      ? { requestInit: { headers: { authorization: `Bearer ${credential}` } } }
      : credential;
  await client.connect(new StreamableHTTPClientTransport(new URL(url), options));
  return {
    client,
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    async call(name, args = {}) {
      const result = await client.callTool({ name, arguments: args });
      const { content, structuredContent, isError = false } = result;
      const [first] = content;
      const text = first?.type === 'text' ? first.text : '';
      if (structuredContent === undefined) return { isError, value: text };
      expect(JSON.parse(text)).toEqual(structuredContent);
      return { isError, value: structuredContent };
    },
    close: () => client.close(),
  };
}
