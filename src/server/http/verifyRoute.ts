import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AuthenticatedPrincipal, Principal } from '../../core/auth/principal.js';
import type { Verification } from '../../core/auth/verification/verification.js';
import type { Assembly } from '../../assembly/assembly.js';
import { Refusal } from '../../core/errors/refusal.js';
import { verificationFields } from '../../core/limits/limitFields.js';
import { writeLimitFields } from '../../core/limits/limitHeaders.js';
import { unreported } from '../../core/store/storeErrors.js';
import type { Verdicts } from '../../management/verdicts.js';
import { afterBody, type AuthenticationHook } from './authentication.js';
import type { Moments } from './changeMoments.js';
import { answerError, V1_ERROR } from './faults.js';
import { takeOneRequest } from './oneRequest.js';
import { verificationAnswer } from './verifyAnswer.js';
import { askedByForm, askedByJson, type AskedOf } from './verifyRequest.js';

interface VerifyRouteOptions {
  readonly latchkey: Pick<
    Assembly,
    'verifier' | 'limiter' | 'rateLimitHeaders' | 'reauthenticate' | 'resourceMetadata'
  >;
  readonly authenticate: AuthenticationHook;
  readonly moments: Moments;
  readonly verdicts: Verdicts;
}

const FORM = 'application/x-www-form-urlencoded';

/**
 * Serves POST /v1/verify: services in any language ask about the tokens that they receive (RFC 7662). The caller's own key
 * is checked before the body is read. Tokens are only accepted in the body, never in the URL, which logs contain.
 */
export async function verifyRoute(app: FastifyInstance, options: VerifyRouteOptions): Promise<void> {
  const { latchkey, authenticate, moments, verdicts } = options;
  const { verifier } = latchkey;

  const admitCaller = async ({ principal, query }: FastifyRequest): Promise<void> => {
    const caller = await callerOf(principal);
    await verifier.assertRoom(caller);
    if (Object.keys(query as object).length > 0) {
      await verifier.take(caller, 1);
      throw new Refusal(IN_THE_BODY, { code: 'BAD_REQUEST' });
    }
  };

  /** A key without the scope must not ask without limit either, so it is counted. */
  const callerOf = async (principal: Principal): Promise<AuthenticatedPrincipal> => {
    try {
      return verifier.callerOf(principal);
    } catch (error) {
      if (error instanceof Refusal) verdicts.refused(principal, error);
      if (principal.kind !== 'anonymous') await takeOneRequest(principal, latchkey.limiter, verdicts);
      throw error;
    }
  };

  const answerFault = async (error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    let fault = error;
    const { principal, body } = request;
    // Counts a body that can't be read, too.
    if (principal.kind !== 'anonymous' && body === undefined && !(error instanceof Refusal)) {
      await verifier.take(principal, 1).catch((refusal: unknown) => (fault = refusal));
    }
    return answerError(fault, reply, latchkey.resourceMetadata(), V1_ERROR);
  };

  /** Counts a request whose content is invalid as one token. */
  const askedBy = async (caller: AuthenticatedPrincipal, { headers, body }: FastifyRequest): Promise<AskedOf> => {
    try {
      return isForm(headers['content-type']) ? askedByForm(body as string) : askedByJson(body);
    } catch (error) {
      await verifier.take(caller, 1);
      throw error;
    }
  };

  // In a separate scope, because no other route accepts forms.
  await app.register(async (scope) => {
    scope.addContentTypeParser<string>(FORM, { parseAs: 'string' }, (_request, body, done) => done(null, body));
    scope.route({
      method: 'POST',
      url: '/v1/verify',
      onRequest: [authenticate, admitCaller],
      preHandler: afterBody(latchkey, moments),
      errorHandler: (error, request, reply) => void answerFault(error, request, reply),
      handler: async (request, reply) => {
        // Again, because the body may have arrived later than the key's scopes changed.
        const caller = verifier.callerOf(request.principal);
        const { asked, isBatch } = await askedBy(caller, request);
        const admission = await verifier.take(caller, asked.length);
        const fields = verificationFields(admission, latchkey.rateLimitHeaders());
        writeLimitFields(fields, (name, value) => reply.header(name, value));
        const results = await verifier.verify(caller, asked);
        const [only] = results;
        if (isBatch || only === undefined) {
          report(results, request);
          return { results: results.map(verificationAnswer) };
        }
        // A client sends a request with this status again by itself.
        if (!only.active && only.reason === 'unchecked') throw only.refusal;
        return verificationAnswer(only);
      },
    });
  });
}

const IN_THE_BODY = 'The URL has parameters. Send them in the body: others can read URLs in logs.';

function isForm(type = ''): boolean {
  return type.split(';', 1)[0]?.trim().toLowerCase() === FORM;
}

/** Logs the faults behind tokens that could not be verified. */
function report(results: readonly Verification[], request: FastifyRequest): void {
  for (const result of results) {
    if (result.active || result.reason !== 'unchecked') continue;
    const err = unreported(result.refusal.cause);
    if (err !== undefined) request.log.error({ err, requestId: request.id }, 'token not verified');
  }
}
