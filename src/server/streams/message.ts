import { print } from 'graphql-sse';

/**
 * A message as it is sent, serialized once for all streams. They share its bytes, and report them to {@link
 * WaitingBytes}.
 */
export class Message {
  readonly bytes: Buffer;

  constructor(text: string) {
    this.bytes = Buffer.from(text);
  }

  static next(result: object): Message {
    return new Message(print({ event: 'next', data: result }));
  }

  static complete(): Message {
    return new Message(print({ event: 'complete', data: null }));
  }
}
