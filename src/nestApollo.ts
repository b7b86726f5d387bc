export { nestApollo } from './adapters/nest/apolloDriver.js';
