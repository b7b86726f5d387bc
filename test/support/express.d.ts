/** The parts of Express 5 that tests use. The package has no types. */
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
