export { nestYoga } from './adapters/nest/yogaDriver.js';
