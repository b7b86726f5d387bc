/** A result in the text of the upstream. */
export class WrittenResult {
  /** JSON. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The end of a message whose payload is an empty object. */
const EMPTY = '{}}';

/**
 * Puts payloads of the upstream into the messages of graphql-ws without changing their text. JSON.parse and JSON.stringify
 * would round integers beyond 2^53.
 */
export class WrittenPayloads {
  #text: string | null = null;

  /** Returns a payload for graphql-ws, which writes it immediately before it sends the message. */
  standIn(text: string): { toJSON: () => object } {
    return {
      toJSON: () => {
        this.#text = text;
        return {};
      },
    };
  }

  /** Returns a message of graphql-ws with the text in place of its payload. Call it once for each message. */
  complete(message: string): string {
    const text = this.#text;
    this.#text = null;
    if (text === null) return message;
    if (!message.endsWith(EMPTY)) throw new Error('The payload is not the last part of the message.');
    return `${message.slice(0, -EMPTY.length)}${text}}`;
  }
}
