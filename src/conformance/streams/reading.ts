/** A result of a stream. */
export interface StreamResult {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

/** An open stream, or one that was refused. */
export interface Stream {
  /** The results without errors, in order. */
  readonly results: readonly StreamResult[];
  /** The code with which the server refused or ended the stream; null if none. */
  readonly code: string | null;
  readonly isOver: boolean;
  close(): void;
}

/** The data with which a protocol opens a stream. */
export interface StreamRequest {
  readonly url: string;
  readonly query: string;
  readonly token: string | null;
}

/** Collects the results of a stream. */
export class Reading implements Stream {
  readonly results: StreamResult[] = [];
  code: string | null = null;
  isOver = false;
  readonly close: () => void;

  constructor(close: () => void) {
    this.close = close;
  }

  take(result: StreamResult): void {
    const code = result.errors?.[0]?.extensions?.code;
    if (code === undefined) this.results.push(result);
    else this.code = code;
  }

  end(code?: string): void {
    this.code ??= code ?? null;
    this.isOver = true;
  }
}
