import type { FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { Principal } from '../../core/auth/principal.js';
import type { RequestGuard } from '../../core/guard/request/requestGuard.js';
import type { RequestContext } from '../http/requestContext.js';
import type { GatewaySettings } from '../settings/gatewaySettings.js';
import { askedInBody, bad, bodyOf } from './asked.js';
import type { DriftWatch } from './driftWatch.js';
import { PassedFields } from './forwardedFields.js';
import { asJsonText } from './jsonText.js';
import { OperationJudge } from './operationJudge.js';
import { ownFields } from './requestFields.js';
import { badGateway, type Upstream, type UpstreamOutcome } from './upstream.js';
import type { SocketCount } from './upstreamSocket.js';
import { askUpstream } from './wholeAnswer.js';

interface GatewayOptions {
  /** Guarded. */
  readonly schema: GraphQLSchema;
  readonly guard: RequestGuard;
  readonly settings: GatewaySettings;
  /** Returns the value of Latchkey-Principal. */
  readonly sign: (principal: Principal) => string;
  /** The maximum size of a response, in bytes. */
  readonly upstream: Upstream;
  readonly maxBytes: number;
  readonly onAnswer?: (outcome: UpstreamOutcome) => void;
  readonly drift: DriftWatch;
}

const JSON_FIELDS = ['content-type', 'application/json', 'accept', 'application/json', 'accept-encoding', 'identity'];

/** The response to an operation. */
interface RanOperation {
  readonly status: number;
  /** JSON. */
  readonly body: string;
}

/** The API behind the gateway, and the parts that judge and forward operations. */
export class Gateway {
  readonly schema: GraphQLSchema;
  readonly judge: OperationJudge;
  readonly upstream: Upstream;
  readonly fields: PassedFields;
  readonly sign: GatewayOptions['sign'];
  readonly onAnswer: (outcome: UpstreamOutcome) => void;
  readonly maxUploadBytes: number;
  /** In ms. */
  readonly uploadTime: number;
  readonly drift: DriftWatch;
  /** The address for operations over WebSockets; null: they are not forwarded. */
  readonly webSockets: string | null;
  /** The gateway's own credential at the upstream: the value of Authorization; null: none. */
  readonly authorization: string | null;
  /** Connections to the upstream for WebSockets. */
  readonly socketCount: SocketCount;
  readonly #maxBytes: number;

  constructor({
    schema,
    guard,
    upstream,
    settings,
    sign,
    maxBytes,
    drift,
    onAnswer = () => undefined,
  }: GatewayOptions) {
    const { connections, authorization } = settings;
    this.schema = schema;
    this.judge = new OperationJudge(schema, guard);
    this.upstream = upstream;
    this.fields = new PassedFields({ request: settings.requestHeaders, response: settings.responseHeaders });
    this.sign = sign;
    this.onAnswer = onAnswer;
    this.maxUploadBytes = settings.maxUploadBytes;
    this.uploadTime = settings.uploadTime;
    this.#maxBytes = maxBytes;
    this.drift = drift;
    this.webSockets = settings.webSockets;
    this.authorization = authorization;
    this.socketCount = { open: 0, max: connections };
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
    const headers = [...JSON_FIELDS, ...ownFields(this, request)];
    const isSafe = judged.operation.operation.valueOf() === 'query';
    const sent = { method: 'POST', headers, body: bodyOf(asked), isSafe } as const;
    const { status, body } = await askUpstream(this.upstream, sent, { maxBytes: this.#maxBytes });
    if (!isJsonObject(body)) throw badGateway('The API behind the gateway sent a response that is not JSON.');
    return { status, body };
  }

  close(): Promise<void> {
    this.drift.close();
    return this.upstream.close();
  }
}

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
