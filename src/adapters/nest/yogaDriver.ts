import type { Latchkey } from '../../assembly/libraryApi.js';
import { useLatchkey } from '../yoga/useLatchkey.js';
import type { UseLatchkeyOptions } from '../yoga/yogaOptions.js';
import { refuseSubscriptions, schemaOptions, type ManagementOption, type SchemaOptions } from './guardedSchema.js';

/**
 * The options of Nest's GraphQL module that are used here, and Latchkey's own options. Yoga's types replace the types of `fetch` in the
 * whole
 * project, so they are not imported.
 */
interface OwnOptions extends ManagementOption, SchemaOptions {
  readonly plugins?: readonly object[];
  readonly [option: string]: unknown;
  /** The options of `useLatchkey`. */
  readonly latchkey?: UseLatchkeyOptions;
}

/**
 * Returns options for Nest's `GraphQLModule` with the Yoga driver: the guarded schema, and the plugin of `latchkey/yoga` before
 * yours.
 *
 * @param latchkey from `createLatchkey`, injected as `LATCHKEY`
 * @param own your options for the module. `management: true` adds the operations on keys
 * @throws TypeError for an option of `useLatchkey` that is invalid
 * @example
 * ```ts
 * import { YogaDriver, type YogaDriverConfig } from '@graphql-yoga/nestjs';
 * import { GraphQLModule } from '@nestjs/graphql';
 * import type { Latchkey } from 'latchkey';
 * import { LATCHKEY } from 'latchkey/nest';
 * import { nestYoga } from 'latchkey/nest/yoga';
 *
 * export const graphqlModule = GraphQLModule.forRootAsync<YogaDriverConfig>({
 *   driver: YogaDriver,
 *   inject: [LATCHKEY],
 *   useFactory: (latchkey: Latchkey) => nestYoga(latchkey, { autoSchemaFile: true }),
 * });
 * ```
 */
export function nestYoga(latchkey: Latchkey, own: OwnOptions = {}): object {
  const { management = false, latchkey: pluginOptions, plugins = [], ...options } = own;
  refuseSubscriptions('nestYoga', options);
  return {
    graphiql: false,
    // The plugin bounds bodies.
    maxRequestBodySize: false,
    ...options,
    ...schemaOptions(latchkey, options, management),
    // Its size would have no bound.
    parserAndValidationCache: false,
    plugins: [useLatchkey(latchkey, pluginOptions), ...plugins],
  };
}
