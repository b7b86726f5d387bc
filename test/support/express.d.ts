/** Express 5 has no types of its own. Only the parts that tests use. */
declare module 'express' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  interface App {
    (request: IncomingMessage, response: ServerResponse): void;
    use(...given: unknown[]): this;
    set(name: string, value: unknown): this;
  }
  const express: { (): App; json(): unknown };
  export default express;
}
