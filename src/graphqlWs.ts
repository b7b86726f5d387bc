export { latchkeyWs, type LatchkeyWsOptions } from './adapters/graphqlWs/latchkeyWs.js';
