import { print } from 'graphql-sse';

/**
 * One message as it goes over the wire, serialized once however many streams send it. They share its bytes; who keeps it
 * says so to {@link WaitingBytes}.
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
