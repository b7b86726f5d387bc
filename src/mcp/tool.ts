import type { CallToolResult, ToolAnnotations } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Caller } from './caller.js';

/** A tool, as it is offered to callers and called. */
export interface Tool<Input extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly title: string;
  /** For the model, which knows nothing else of it. */
  readonly description: string;
  /** Bounded in size: it is what a stranger sends. */
  readonly input: Input;
  readonly annotations: ToolAnnotations;
  /** Whether the tool is offered to a caller. Callers who are not offered it can't call it. Default: everybody. */
  readonly offered?: (caller: Caller) => boolean;
  /** May throw Refusal. */
  readonly call: (input: z.output<Input>, caller: Caller) => Promise<CallToolResult>;
}

/** A tool among others: what it is called with has been read by its own `input`. */
export const tool = <Input extends z.ZodObject>(value: Tool<Input>): Tool => value;

/** Tools that look and change nothing. */
export const LOOKS: ToolAnnotations = Object.freeze({
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
});

/** An argument that is a string. The message of an issue says what is allowed, as it does for every argument. */
export function textInput(min: number, max: number): z.ZodString {
  const allowed = `a string of ${min} to ${max} characters`;
  return z.string(allowed).min(min, allowed).max(max, allowed);
}

const VARIABLES = 'an object of names, of up to 200 characters, and values';

/** Input of tools that are given an operation. */
export const operationInput = z.strictObject({
  document: textInput(1, 64_000).describe('The GraphQL document.'),
  operationName: textInput(0, 200).optional().describe('Which operation of the document, where it has several.'),
  variables: z
    .record(z.string().max(200), z.unknown(), VARIABLES)
    .optional()
    .describe('Values of its variables, by their names.'),
});
