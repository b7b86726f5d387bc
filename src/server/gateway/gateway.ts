import type { FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { Principal } from '../../core/auth/principal.js';
import { withHttp } from '../../core/errors/http.js';
import { Refusal } from '../../core/errors/refusal.js';
import type { OperationRequest } from '../../core/guard/review.js';
import type { AnswerLimits } from '../../core/guard/answer/answerLimits.js';
import type { OnDenied } from '../../core/guard/authorize.js';
import type { RequestGuard } from '../../core/guard/request/requestGuard.js';
import type { RequestContext } from '../http/requestContext.js';
import type { GatewaySettings } from '../settings/gatewaySettings.js';
import { askedInBody, bad, bodyOf, forwardedAs } from './asked.js';
import type { DriftWatch } from './driftWatch.js';
import { settleBy } from './forwardedCost.js';
import { PassedFields } from './forwardedFields.js';
import { asJsonText } from './jsonText.js';
import { OperationJudge } from './operationJudge.js';
import { withOwn } from './requestFields.js';
import { badGateway, type Upstream, type UpstreamOutcome } from './upstream.js';
import type { SocketCount } from './upstreamSocket.js';
import { askUpstream } from './wholeAnswer.js';

/** The schema against which operations are checked. */
export interface GatewayRules {
  /** Guarded. */
  readonly schema: GraphQLSchema;
  readonly drift: DriftWatch;
}

interface GatewayOptions {
  readonly rules: GatewayRules;
  readonly guard: RequestGuard;
  readonly settings: GatewaySettings;
  /** Returns the value of Latchkey-Principal. */
  readonly sign: (principal: Principal) => string;
  readonly upstream: Upstream;
  /** The limits of a response. */
  readonly answer: AnswerLimits;
  readonly onAnswer?: (outcome: UpstreamOutcome) => void;
}

const JSON_FIELDS = ['content-type', 'application/json', 'accept', 'application/json', 'accept-encoding', 'identity'];

/** The response to an operation. */
interface RanOperation {
  readonly status: number;
  /** JSON. */
  readonly body: string;
}

/** An operation that is running. */
type Running = Pick<OperationRequest, 'schema' | 'source' | 'document' | 'operation' | 'variables'>;

/** The API behind the gateway, and the parts that check and forward operations. */
export class Gateway {
  readonly upstream: Upstream;
  readonly fields: PassedFields;
  readonly sign: GatewayOptions['sign'];
  readonly onAnswer: (outcome: UpstreamOutcome) => void;
  readonly maxUploadBytes: number;
  /** In ms. */
  readonly uploadTime: number;
  /** The address for operations over WebSockets; null if they are not forwarded. */
  readonly webSockets: string | null;
  /** The gateway's own credential at the upstream: the value of Authorization; null if none. */
  readonly authorization: string | null;
  /** Connections to the upstream for WebSockets. */
  readonly socketCount: SocketCount;
  readonly #answer: AnswerLimits;
  readonly #onDenied: OnDenied;
  readonly #guard: RequestGuard;
  #rules: GatewayRules;
  #judge: OperationJudge;

  constructor({ rules, guard, upstream, settings, sign, answer, onAnswer = () => undefined }: GatewayOptions) {
    const { connections, authorization } = settings;
    this.#guard = guard;
    this.#rules = rules;
    this.#answer = answer;
    this.#onDenied = settings.onDenied;
    this.#judge = this.#judgeOf(rules);
    this.upstream = upstream;
    this.fields = new PassedFields({ request: settings.requestHeaders, response: settings.responseHeaders });
    this.sign = sign;
    this.onAnswer = onAnswer;
    this.maxUploadBytes = settings.maxUploadBytes;
    this.uploadTime = settings.uploadTime;
    this.webSockets = settings.webSockets;
    this.authorization = authorization;
    this.socketCount = { open: 0, max: connections };
  }

  /** The current schema. */
  get schema(): GraphQLSchema {
    return this.#rules.schema;
  }

  get judge(): OperationJudge {
    return this.#judge;
  }

  get drift(): DriftWatch {
    return this.#rules.drift;
  }

  /** Judges operations by another schema from now on. */
  replaceRules(rules: GatewayRules): void {
    this.#rules.drift.close();
    this.#rules = rules;
    this.#judge = this.#judgeOf(rules);
  }

  #judgeOf({ schema }: GatewayRules): OperationJudge {
    return new OperationJudge(schema, this.#guard, { onDenied: this.#onDenied, answer: this.#answer });
  }

  /** Returns why a running operation may not continue, for the current schema; null if it may. */
  review(running: Running, principal: Principal): Refusal | null {
    const current = running.schema === this.schema ? running : this.#judge.read(running);
    return current === null
      ? withHttp(new Refusal(NEW_RULES, { code: 'BAD_REQUEST' }))
      : this.#guard.authorizer.review({ ...current, principal });
  }

  /** Judges an operation that did not arrive at /graphql, forwards it, and returns the whole response. Rejects with a Refusal. */
  async run(
    operation: Record<string, unknown>,
    context: RequestContext,
    request: FastifyRequest,
  ): Promise<RanOperation> {
    const asked = askedInBody(operation, writtenAsJson(operation));
    const judged = await this.judge.judge(asked, context);
    if (judged.kind === 'answered') return { status: judged.answer.status, body: judged.body };
    const headers = withOwn([...JSON_FIELDS], this, request);
    const isSafe = judged.operation.operation.valueOf() === 'query';
    const { filtered, cost } = judged;
    const sent = { method: 'POST', headers, body: bodyOf(forwardedAs(asked, filtered)), isSafe } as const;
    const { status, body } = await askUpstream(this.upstream, sent, {
      maxBytes: this.#answer.bytes,
      onEnd: (outcome) => {
        if (outcome !== 'answered') cost?.settle(null);
      },
    });
    if (cost !== null) settleBy(cost, body);
    if (!isJsonObject(body)) throw badGateway('The API behind the gateway sent a response that is not JSON.');
    return { status, body: filtered === null ? body : filtered.complete(body) };
  }

  close(): Promise<void> {
    this.#rules.drift.close();
    return this.upstream.close();
  }
}

const NEW_RULES =
  'The operation is no longer valid, because the schema or the rules of the API have changed. Read the schema again, and send a valid operation.';

/** @throws Refusal BAD_REQUEST for an operation that nests deeper than the stack allows */
function writtenAsJson(operation: Record<string, unknown>): string {
  try {
    return JSON.stringify(operation);
  } catch {
    throw bad('The variables nest too deep. Send fewer levels.');
  }
}

function isJsonObject(text: string): boolean {
  const value = asJsonText(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
