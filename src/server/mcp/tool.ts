import type { CallToolResult, ToolAnnotations } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Caller } from './caller.js';

/** A tool, as it is offered to callers and called. */
export interface Tool<Input extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly title: string;
  /** For the model, which has no other information about the tool. */
  readonly description: string;
  /** Limited in size, because anyone can send it. */
  readonly input: Input;
  readonly annotations: ToolAnnotations;
  /** Whether the tool is offered to a caller. Callers who are not offered it can't call it. Default: everyone. */
  readonly offered?: (caller: Caller) => boolean;
  /** May throw Refusal. */
  readonly call: (input: z.output<Input>, caller: Caller) => Promise<CallToolResult>;
}

/** A tool in a list, whose arguments were parsed by its own `input`. */
export const tool = <Input extends z.ZodObject>(value: Tool<Input>): Tool => value;

/** Tools that only read. */
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
  operationName: textInput(0, 200).optional().describe('The operation to run, if the document has several.'),
  variables: z
    .record(z.string().max(200), z.unknown(), VARIABLES)
    .optional()
    .describe('The values of its variables, by name.'),
});
