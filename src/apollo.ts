export { FastApolloServer } from './adapters/apollo/fastPath/fastApolloServer.js';
export { apolloOptions } from './adapters/apollo/apolloOptions.js';
export { createPlugin } from './adapters/apollo/plugin.js';
export type { PluginOptions } from './adapters/apollo/pluginOptions.js';
