export type { RequestGuard } from './core/guard/request/requestGuard.js';
export type { GuardedRequest, Operation } from './core/guard/request/guardedRequest.js';
export type { Reply } from './core/guard/request/reply.js';
export { formattedError, PlainReply, type Asked } from './core/guard/request/plainReply.js';
export { refuseSimpleRequest } from './core/guard/request/preflight.js';
