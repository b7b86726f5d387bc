import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { CredentialSource } from '../credentials/locate.js';
import type { Latchkey } from '../latchkey.js';
import { Refusal } from '../refusals/refusal.js';
import { streamCredential } from './streamCredential.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers over plain HTTP too: for probes, which carry no key. */
    readonly plainHttp?: true;
  }
}

/** A year (RFC 6797 section 6.1). Not for subdomains, which may be somebody else's. */
const STRICT_TRANSPORT_SECURITY = 'max-age=31536000';

const LOOPBACK = /^(?:::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/;

/** Fields by which proxies tell that a request comes from elsewhere. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'] as const;

const OVER_PLAIN_HTTP =
  'This API answers over HTTPS alone. Use its https address, and replace a key that was sent with this request: others may have read it. For its operator: behind a proxy that speaks HTTPS, have it send X-Forwarded-Proto and name it in TRUST_PROXY.';

/**
 * Refuses what comes over plain HTTP, before its credential could let anybody in. Not a redirect: that would answer a client
 * that is set up wrong, and its key would go in clear at each request without anybody's notice. To be added before
 * whatever answers.
 *
 * Callers on this machine are let through, for nobody is in between. Who sends a proxy's field is none of them, whether or not
 * it is believed: with a proxy on this machine that TRUST_PROXY does not name, every caller would be.
 */
export function requireHttps(app: FastifyInstance, { sawInClear }: Pick<Latchkey, 'sawInClear'>): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.caller.https) {
      reply.header('strict-transport-security', STRICT_TRANSPORT_SECURITY);
      done();
      return;
    }
    if (request.routeOptions.config.plainHttp === true || isLocal(request)) {
      done();
      return;
    }
    const refuse = (): void => done(new Refusal(OVER_PLAIN_HTTP, { code: 'HTTPS_REQUIRED' }));
    sawInClear(sourceOf(request)).then(refuse, refuse);
  });
}

/** A key in an address has been sent in clear as one in a header has, whatever the address would have answered. */
function sourceOf(request: FastifyRequest): CredentialSource {
  try {
    return streamCredential(request);
  } catch {
    const { raw, caller } = request;
    return { headers: raw.headers, rawHeaders: raw.rawHeaders, ip: caller.address };
  }
}

function isLocal({ raw: { socket, headers } }: FastifyRequest): boolean {
  return LOOPBACK.test(socket.remoteAddress ?? '') && FORWARDED.every((name) => headers[name] === undefined);
}
