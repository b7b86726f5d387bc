import type { FastifyRequest } from 'fastify';
import { directContext } from '../../core/auth/context.js';
import { ANONYMOUS, type LatchkeyContext } from '../../core/auth/principal.js';
import { refuseSimpleRequest } from '../../core/guard/request/preflight.js';
import { whenDone } from '../../core/util/whenDone.js';
import type { AdapterParts } from './adapterParts.js';
import type { MaybePromise } from './fastifyHooks.js';
import { badRequest } from './mercuriusErrors.js';
import type { GuardedMercuriusOptions } from './mercuriusOptions.js';
import { MercuriusRequest } from './mercuriusRequest.js';

/** The checks of a request before its body is read: CSRF, its credential, and its content type. */
export class RequestArrival {
  readonly #parts: AdapterParts;
  readonly #contextOf: ReturnType<typeof directContext>;
  /** Header fields that make a request safe from CSRF, in addition to the usual ones; null if it is not prevented. */
  readonly #preflighted: readonly string[] | null;

  constructor(parts: AdapterParts) {
    this.#parts = parts;
    this.#contextOf = directContext(parts.options.latchkey.context);
    this.#preflighted = preflightedBy(parts.options);
  }

  /** @throws the refusal of the request, or rejects with it */
  check(request: FastifyRequest): MaybePromise<void> {
    // Each operation of a WebSocket is checked and counted separately.
    if ((request as { readonly ws?: unknown }).ws === true) return undefined;
    const { guard, logger, options, requests } = this.#parts;
    const asked = new MercuriusRequest(guard.begin(logger), options.schema);
    requests.set(request, asked);
    asked.hasFailed = true;
    if (this.#preflighted !== null) {
      const error = refuseSimpleRequest((name) => textOf(request.headers[name]), this.#preflighted);
      if (error !== null) throw error;
    }
    return whenDone(this.#authenticate(request), (context) => {
      asked.context = context;
      refuseOtherTypes(request);
      asked.hasFailed = false;
    });
  }

  /** @throws Refusal, or rejects with it */
  #authenticate(request: FastifyRequest): MaybePromise<LatchkeyContext> {
    const refused = (error: unknown): never => {
      const { guard, logger } = this.#parts;
      guard.report(error, { principal: ANONYMOUS }, logger);
      throw error;
    };
    try {
      const { headers, rawHeaders, socket } = request.raw;
      const context = this.#contextOf({ headers, rawHeaders, socket, ip: request.ip });
      return context instanceof Promise ? context.catch(refused) : context;
    } catch (error) {
      return refused(error);
    }
  }
}

function preflightedBy({ csrfPrevention = true }: GuardedMercuriusOptions): readonly string[] | null {
  if (csrfPrevention === false) return null;
  const own = csrfPrevention === true ? [] : (csrfPrevention.requestHeaders ?? []);
  return ['x-mercurius-operation-name', 'mercurius-require-preflight', ...own];
}

function textOf(field: string | string[] | undefined): string | undefined {
  return Array.isArray(field) ? field.join(', ') : field;
}

/** B35: pages can send forms and plain text, and Mercurius reads plain text as an operation. */
function refuseOtherTypes({ method, headers }: FastifyRequest): void {
  if (headers['content-type'] === 'application/json') return;
  const [type = ''] = (headers['content-type'] ?? '').toLowerCase().split(';');
  if (method !== 'POST' || TYPES.has(type.trim())) return;
  throw badRequest(
    'Unsupported content type. Send Content-Type: application/json and a JSON object such as {"query": "..."}.',
    415,
  );
}

const TYPES: ReadonlySet<string> = new Set(['application/json', 'multipart/form-data']);
