import type { ForeignSource } from './headerFields.js';

type Fields = Readonly<Record<string, string | undefined>> | null;

/** An event of AWS Lambda: of API Gateway in format 1.0 or 2.0, of a function URL, or of a load balancer. */
interface LambdaEvent {
  readonly headers?: Fields;
  /** In format 1.0: has both of two equal fields. `headers` has only the last. */
  readonly multiValueHeaders?: Readonly<Record<string, string[] | undefined>> | null;
  readonly requestContext?: {
    readonly identity?: { readonly sourceIp?: string | null };
    readonly http?: { readonly sourceIp?: string };
  };
}

/** Koa's context. */
interface KoaContext extends ForeignSource {
  readonly req: { readonly rawHeaders?: readonly string[] };
}

/**
 * The argument of a server's context function: a request of Node, Express, Fastify or the Fetch API, or an object with it as `req`, with
 * Koa's context as `ctx`, or with an event of AWS Lambda as `event`, as Apollo Server's integrations pass it.
 */
export type ContextSource =
  ForeignSource | { readonly req: ForeignSource } | { readonly ctx: KoaContext } | { readonly event: LambdaEvent };

/** Returns the request of a context function's argument. Forms that are not known are returned unchanged, and fail when they are read. */
export function requestIn(source: ContextSource | null): ForeignSource {
  // Refused when it is read.
  if (source == null) return {} as ForeignSource;
  if ('req' in source) return source.req;
  if ('ctx' in source) return ofKoa(source.ctx);
  if ('event' in source) return ofLambda(source.event);
  return source;
}

/**
 * Reads the address from Koa, which knows its trusted proxies, and the header fields from Node, which keeps both if a field occurs twice.
 */
function ofKoa(context: KoaContext | null): ForeignSource {
  const { headers, ip, req } = (context ?? {}) as Partial<KoaContext>;
  return {
    headers,
    ...(req?.rawHeaders !== undefined && { raw: req }),
    ...(ip !== undefined && { ip }),
  } as ForeignSource;
}

function ofLambda(event: LambdaEvent | null): ForeignSource {
  const { headers, multiValueHeaders, requestContext } = event ?? {};
  const ip = requestContext?.identity?.sourceIp ?? requestContext?.http?.sourceIp;
  // Without header fields, format 1.0 has null. Anything else must be readable, or the request is refused.
  const fields = multiValueHeaders ?? headers ?? (requestContext === undefined ? undefined : {});
  return { headers: fields as ForeignSource['headers'], ...(ip != null && { ip }) };
}
