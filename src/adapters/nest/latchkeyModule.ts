import type { DynamicModule, FactoryProvider, ModuleMetadata } from '@nestjs/common';
import type { Latchkey } from '../../assembly/libraryApi.js';

/**
 * The injection token of the Latchkey of {@link LatchkeyModule}.
 *
 * @example
 * ```ts
 * import { Inject } from '@nestjs/common';
 * import type { Latchkey } from 'latchkey';
 * import { LATCHKEY } from 'latchkey/nest';
 *
 * export class KeyCount {
 *   constructor(readonly latchkey: Latchkey) {}
 * }
 * // In your code: constructor(@Inject(LATCHKEY) readonly latchkey: Latchkey) {}
 * Inject(LATCHKEY)(KeyCount, undefined, 0);
 * ```
 */
export const LATCHKEY: unique symbol = Symbol('latchkey');

/**
 * The Latchkey that {@link LatchkeyModule} provides and closes, and its store.
 *
 * @example
 * ```ts
 * import { createLatchkey, openSqliteStore } from 'latchkey';
 * import type { LatchkeyResources } from 'latchkey/nest';
 *
 * export async function resources(): Promise<LatchkeyResources> {
 *   const store = await openSqliteStore({ dir: './data' });
 *   return { store, latchkey: await createLatchkey({ store }) };
 * }
 * ```
 */
export interface LatchkeyResources {
  readonly latchkey: Latchkey;
  /** Closed after `latchkey`. Default: your code closes it. */
  readonly store?: { close(): unknown };
}

/**
 * The options of `LatchkeyModule.forRootAsync`, like the options of other Nest modules.
 *
 * @example
 * ```ts
 * import { createLatchkey, openSqliteStore } from 'latchkey';
 * import type { LatchkeyModuleAsyncOptions } from 'latchkey/nest';
 *
 * export const options: LatchkeyModuleAsyncOptions = {
 *   async useFactory() {
 *     const store = await openSqliteStore({ dir: './data' });
 *     return { store, latchkey: await createLatchkey({ store }) };
 *   },
 * };
 * ```
 */
export interface LatchkeyModuleAsyncOptions {
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  readonly inject?: NonNullable<FactoryProvider['inject']>;
  // oxlint-disable-next-line typescript/no-explicit-any -- As in Nest: the arguments are the injected values.
  readonly useFactory: (...injected: any[]) => LatchkeyResources | Promise<LatchkeyResources>;
}

const RESOURCES = Symbol('latchkey resources');

// oxlint-disable typescript/no-extraneous-class -- Nest identifies a module by its class.
/**
 * Provides a Latchkey to all modules, as {@link LATCHKEY}. It is closed when the application is closed, after the HTTP server:
 * requests that are running then still need it.
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { createLatchkey, openSqliteStore } from 'latchkey';
 * import { LatchkeyModule } from 'latchkey/nest';
 *
 * export class AppModule {}
 * // In your code: @Module({ … }) before the class.
 * const store = await openSqliteStore({ dir: './data' });
 * const latchkey = await createLatchkey({ store });
 * Module({ imports: [LatchkeyModule.forRoot({ latchkey, store })] })(AppModule);
 * ```
 */
export class LatchkeyModule {
  static forRoot(resources: LatchkeyResources): DynamicModule {
    return LatchkeyModule.forRootAsync({ useFactory: () => resources });
  }

  static forRootAsync({ imports = [], inject = [], useFactory }: LatchkeyModuleAsyncOptions): DynamicModule {
    return {
      module: LatchkeyModule,
      global: true,
      imports,
      providers: [
        {
          provide: RESOURCES,
          inject,
          useFactory: async (...injected: unknown[]) => new Resources(await useFactory(...injected)),
        },
        { provide: LATCHKEY, inject: [RESOURCES], useFactory: ({ latchkey }: Resources) => latchkey },
      ],
      exports: [LATCHKEY],
    };
  }
}

/** Nest calls the hook of a provider. */
class Resources {
  readonly latchkey: Latchkey;
  readonly #store: LatchkeyResources['store'];

  constructor({ latchkey, store }: LatchkeyResources) {
    this.latchkey = latchkey;
    this.#store = store;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.latchkey.close();
    await this.#store?.close();
  }
}
