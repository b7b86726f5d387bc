import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { CredentialSource } from '../../core/auth/locate.js';
import type { Assembly } from '../../assembly/assembly.js';
import { Refusal } from '../../core/errors/refusal.js';
import { streamCredential } from './streamCredential.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Also allows plain HTTP: for probes, which have no key. */
    readonly plainHttp?: true;
  }
}

/** A year (RFC 6797 section 6.1). Without subdomains, which may belong to others. */
export const STRICT_TRANSPORT_SECURITY = 'max-age=31536000';

const LOOPBACK = /^(?:::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/;

/** Fields that proxies add to forwarded requests. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'] as const;

const OVER_PLAIN_HTTP =
  'This API requires HTTPS. Use its https address, and replace a key that was sent with this request: others may have read it. Operators: if a proxy terminates TLS, let it send X-Forwarded-Proto, and add its address to TRUST_PROXY.';

/**
 * Refuses requests over plain HTTP before authentication. Does not redirect: a misconfigured client would keep sending
 * its key over plain HTTP, and nobody would notice. Add it before anything that responds.
 *
 * Requests from this machine are allowed, because they don't cross a network. A request with a proxy's field doesn't
 * count as local, whether or not the proxy is trusted: otherwise every request through a local proxy that TRUST_PROXY
 * does not name would be allowed.
 */
export function requireHttps(app: FastifyInstance, { sawInClear }: Pick<Assembly, 'sawInClear'>): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.caller.https) {
      reply.header('strict-transport-security', STRICT_TRANSPORT_SECURITY);
      done();
      return;
    }
    if (request.routeOptions.config.plainHttp === true || isLocal(request.raw)) {
      done();
      return;
    }
    const refuse = (): void => done(new Refusal(OVER_PLAIN_HTTP, { code: 'HTTPS_REQUIRED' }));
    sawInClear(sourceOf(request)).then(refuse, refuse);
  });
}

/**
 * Finds the credential of a refused request. A key in the URL was exposed like a key in a header, whether or not it
 * would have been accepted there.
 */
function sourceOf(request: FastifyRequest): CredentialSource {
  try {
    return streamCredential(request);
  } catch {
    const { raw, caller } = request;
    return { headers: raw.headers, rawHeaders: raw.rawHeaders, ip: caller.address };
  }
}

/** Returns whether a request was sent on this machine, and not forwarded by a proxy. */
export function isLocal({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): boolean {
  return LOOPBACK.test(socket.remoteAddress ?? '') && FORWARDED.every((name) => headers[name] === undefined);
}
