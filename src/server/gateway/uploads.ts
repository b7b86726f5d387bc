import busboy from 'busboy';
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { PassThrough, Transform, type Readable, type TransformCallback } from 'node:stream';
import { MAX_BODY_BYTES } from '../../core/guard/document/documentBounds.js';
import { BodyFault } from '../http/bodyEncoding.js';
import { askedInBody, bad, bodyOf, type Asked } from './asked.js';
import { membersOf } from './jsonMembers.js';
import { asJsonText } from './jsonText.js';

/** The maximum number of files in a request. */
const MAX_FILES = 20;
const MAX_MAP_BYTES = 16 * 1024;

/** A request with files (graphql-multipart-request-spec). Only its operation was read. */
export interface Upload {
  /** With a placeholder for each file, because the API gets a value there. */
  readonly asked: Asked;
  /** The content type of {@link body}. */
  readonly contentType: string;
  /** Starts to read the files. @param asked the operation to forward @returns the body for the upstream */
  readonly body: (asked: Asked) => Readable;
  /** Calls a function whenever a part of a file is passed on. */
  readonly onProgress: (listener: () => void) => void;
  /** Stops reading. */
  readonly discard: () => void;
}

/**
 * Reads a request with files up to its first file. The rest is written again, so that the upstream reads exactly the parts
 * that were checked: a second `operations`, or a file that `map` doesn't name, never reaches it.
 *
 * Rejects with a BodyFault or a GraphQLError.
 */
export function readUpload(payload: Readable, headers: IncomingHttpHeaders, maxBytes: number): Promise<Upload> {
  return new Promise((resolve, reject) => {
    let reader: UploadReader;
    try {
      if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
      reader = new UploadReader(headers, { resolve, reject });
    } catch (error) {
      reject(error instanceof BodyFault ? error : bad('The body is not multipart/form-data with a boundary.'));
      return;
    }
    const counted = payload.pipe(new Bounded(maxBytes));
    const fail = (error: Error): void => reader.fail(error);
    payload.once('error', fail);
    payload.once('close', () => {
      if (!payload.readableEnded) fail(bad('The body is not complete.'));
    });
    counted.once('error', fail);
    counted.pipe(reader.parser);
  });
}

interface Settle {
  readonly resolve: (upload: Upload) => void;
  readonly reject: (error: Error) => void;
}

class UploadReader {
  readonly parser: ReturnType<typeof busboy>;
  readonly #boundary = `latchkey-${randomBytes(16).toString('hex')}`;
  readonly #out = new PassThrough();
  readonly #settle: Settle;
  #operations: string | null = null;
  #map: FileMap | null = null;
  /** The names of files that have not started to arrive. */
  readonly #missing = new Set<string>();
  /** Each passes one file on. */
  readonly #waiting: (() => void)[] = [];
  #hasBegun = false;
  #isPassing = false;
  #isFlowing = false;
  #isFailed = false;
  #onProgress = (): void => undefined;

  constructor(headers: IncomingHttpHeaders, settle: Settle) {
    this.#settle = settle;
    this.#out.on('error', () => undefined);
    const limits = { fields: 2, files: MAX_FILES, fieldSize: MAX_BODY_BYTES, fieldNameSize: 100, headerPairs: 20 };
    // Browsers write names in UTF-8.
    this.parser = busboy({ headers, limits, preservePath: true, defParamCharset: 'utf8' });
    this.parser
      .on('field', (name, value, { nameTruncated, valueTruncated }) => {
        if (nameTruncated || valueTruncated) this.fail(new BodyFault(413, TOO_LARGE));
        else this.#field(name, value);
      })
      .on('file', (name, file, info) => this.#file(name, file, info))
      .on('fieldsLimit', () => this.fail(bad(ORDER)))
      .on('filesLimit', () => this.fail(bad(`The body has more than ${MAX_FILES} files. Send fewer.`)))
      .on('error', () => this.fail(bad('The body is not valid multipart/form-data.')))
      .on('close', () => this.#end());
  }

  fail(error: Error): void {
    if (this.#isFailed) return;
    this.#isFailed = true;
    this.#settle.reject(error);
    this.#out.destroy(error);
  }

  #field(name: string, value: string): void {
    if (this.#isFailed) return;
    if (name === 'operations' && this.#operations === null) this.#operations = value;
    else if (name === 'map' && this.#operations !== null && this.#map === null) this.#readMap(value);
    else this.fail(bad(ORDER));
  }

  #readMap(text: string): void {
    try {
      this.#map = mapOf(text);
      for (const name of this.#map.keys()) this.#missing.add(name);
    } catch (error) {
      this.fail(error as Error);
    }
  }

  #file(name: string, file: Readable, info: busboy.FileInfo): void {
    file.on('error', () => undefined);
    if (this.#map === null) this.fail(bad(ORDER));
    else if (!this.#missing.delete(name))
      this.fail(bad('The body has a file that map does not name, or twice. Send each file once.'));
    if (this.#isFailed) {
      file.resume();
      return;
    }
    this.#waiting.push(() => this.#pass(name, file, info));
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      this.#judged();
    }
    this.#next();
  }

  /** Passes the next file on when the one before has ended: the parser has several small files at the same time. */
  #next(): void {
    if (!this.#isFlowing || this.#isPassing) return;
    const pass = this.#waiting.shift();
    if (pass === undefined) return;
    this.#isPassing = true;
    pass();
  }

  #pass(name: string, file: Readable, { filename, mimeType }: busboy.FileInfo): void {
    const part = `${[...(this.#map ?? []).keys()].indexOf(name)}`;
    this.#out.write(`--${this.#boundary}\r\n${headOf(part, filename ?? name, mimeType)}\r\n\r\n`);
    file.on('end', () => {
      this.#out.write('\r\n');
      this.#isPassing = false;
      this.#next();
    });
    file.on('data', () => this.#onProgress());
    file.pipe(this.#out, { end: false });
  }

  /** Lets the operation be checked. The first file waits. */
  #judged(): void {
    const map = this.#map ?? new Map<string, readonly string[]>();
    try {
      const asked = askedWithFiles(this.#operations ?? '', [...map.values()].flat());
      this.#settle.resolve({
        asked,
        contentType: `multipart/form-data; boundary=${this.#boundary}`,
        body: (forwarded) => this.#flow(forwarded, map),
        onProgress: (listener) => (this.#onProgress = listener),
        discard: () => this.fail(bad('The operation was refused.')),
      });
    } catch (error) {
      this.fail(error as Error);
    }
  }

  #flow(asked: Asked, map: FileMap): Readable {
    const part = (name: string, text: string): string =>
      `--${this.#boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`;
    // The files get new names, because a server could take one named `operations` for the operation.
    const paths = Object.fromEntries([...map.values()].entries());
    this.#out.write(part('operations', bodyOf(asked)) + part('map', JSON.stringify(paths)));
    this.#isFlowing = true;
    this.#next();
    return this.#out;
  }

  #end(): void {
    if (this.#isFailed) return;
    if (!this.#hasBegun) this.fail(bad('The body has no file. Send operations without files as application/json.'));
    else if (this.#missing.size > 0) this.fail(bad('A file that map names is missing.'));
    else this.#out.end(`--${this.#boundary}--\r\n`);
  }
}

const ORDER =
  'An upload has the fields operations and map, once each and in this order, and then the files (graphql-multipart-request-spec).';

/** The paths of each file, by the name of its part. */
type FileMap = ReadonlyMap<string, readonly string[]>;

/** @throws Refusal */
function mapOf(text: string): FileMap {
  const value = text.length <= MAX_MAP_BYTES ? asJsonText(text) : null;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(MAP);
  if (membersOf(text).repeated !== null) throw bad(MAP);
  const entries = Object.entries(value as Record<string, unknown>);
  const isPaths = (paths: unknown): paths is string[] =>
    Array.isArray(paths) && paths.length > 0 && paths.every((path) => typeof path === 'string');
  if (entries.length === 0 || entries.length > MAX_FILES) throw bad(MAP);
  return new Map(
    entries.map(([name, paths]) => {
      if (!/^[\w.-]{1,100}$/.test(name) || !isPaths(paths)) throw bad(MAP);
      return [name, paths];
    }),
  );
}

const MAP = `map is not valid. Send {"0": ["variables.file"]}, with 1 to ${MAX_FILES} files and the path of each in the variables.`;

/**
 * Returns the operation with a placeholder at the path of each file, which must be null. A path must point into the variables: a path to
 * `query` would replace the operation after it was checked. The text of the variables keeps the nulls.
 *
 * @throws GraphQLError
 */
function askedWithFiles(operations: string, paths: readonly string[]): Asked {
  const asked = askedInBody(asJsonText(operations), operations);
  const root = { variables: asked.variables };
  for (const path of paths) {
    const steps = path.split('.');
    const last = steps.pop() ?? '';
    let at: unknown = root;
    for (const step of steps) at = isContainer(at) && Object.hasOwn(at, step) ? at[step] : null;
    if (steps[0] !== 'variables' || !isContainer(at) || !Object.hasOwn(at, last) || at[last] !== null) {
      throw bad(`map leads to ${JSON.stringify(path.slice(0, 100))}, which is not a null in the variables.`);
    }
    at[last] = PLACEHOLDER;
  }
  return asked;
}

/** Stands for a file in the variables. Only a custom scalar accepts it. */
const PLACEHOLDER = Object.freeze({ file: true });

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/**
 * Returns the header of a part for a file. Quotes and line ends are encoded as browsers do it, and so is every other character
 * that a parser could take for the end of the name or of the line.
 */
function headOf(name: string, filename: string, mimeType: string): string {
  const encoded = filename.slice(0, 1_000).replace(UNSAFE, encodeURIComponent);
  const type = /^[\w.+-]{1,100}\/[\w.+-]{1,100}$/.test(mimeType) ? mimeType : 'application/octet-stream';
  return `Content-Disposition: form-data; name="${name}"; filename="${encoded}"\r\nContent-Type: ${type}`;
}

// oxlint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u001f"\\\u007f-\u009f\u2028\u2029]/g;

const TOO_LARGE = `operations is larger than ${MAX_BODY_BYTES} bytes. Send less in one request.`;

function tooLarge(max: number): BodyFault {
  return new BodyFault(
    413,
    max === 0 ? 'Uploads are not allowed here.' : `The upload is larger than ${max} bytes. Send less in one request.`,
  );
}

/** Passes bytes on, up to a maximum. */
class Bounded extends Transform {
  readonly #max: number;
  #bytes = 0;

  constructor(max: number) {
    super();
    this.#max = max;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#max) done(tooLarge(this.#max));
    else done(null, chunk);
  }
}
