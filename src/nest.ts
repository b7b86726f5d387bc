export { Auth, Public } from './adapters/nest/ruleDecorators.js';
export {
  LATCHKEY,
  LatchkeyModule,
  type LatchkeyModuleAsyncOptions,
  type LatchkeyResources,
} from './adapters/nest/latchkeyModule.js';
