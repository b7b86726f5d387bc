import { z } from 'zod';
import {
  aFunction,
  answerSchema,
  integer,
  introspectionSchema,
  limitsSchema,
  observerSchema,
  withMethods,
} from '../../core/util/optionSchemas.js';
import type { PluginOptions } from './plugin.js';

export const pluginSchema = z.strictObject(
  {
    limiter: limitsSchema,
    introspection: introspectionSchema.optional(),
    answer: answerSchema.optional(),
    maxLines: integer(1, 1_000_000).optional(),
    resourceMetadata: aFunction().optional(),
    rateLimitHeaders: aFunction().optional(),
    log: aFunction().optional(),
    usage: withMethods(['admitted', 'refused'], 'an object with admitted and refused').optional(),
    refusals: withMethods(['key'], 'an object with key').optional(),
    observer: observerSchema.optional(),
  } satisfies Record<keyof PluginOptions, z.ZodType>,
  'an object with at least limiter',
);
