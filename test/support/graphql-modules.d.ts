/** The part of graphql-modules that tests use: its package.json hides its types from ES modules. */
declare module 'graphql-modules' {
  import type { DocumentNode, execute, GraphQLSchema } from 'graphql';

  export interface Module {
    readonly id: string;
  }
  export interface Application {
    readonly schema: GraphQLSchema;
    createExecution(): typeof execute;
    createSchemaForApollo(): GraphQLSchema;
  }
  export function createModule(options: {
    readonly id: string;
    readonly typeDefs: DocumentNode | readonly DocumentNode[];
    readonly resolvers: object;
  }): Module;
  export function createApplication(options: { readonly modules: readonly Module[] }): Application;
}
