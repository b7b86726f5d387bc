import type { Tool as ListedTool } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Caller } from './caller.js';
import type { Tool } from './tool.js';

/** A set of tools that is offered to some callers. */
interface Offer {
  readonly byName: ReadonlyMap<string, Tool>;
  /** In the format of `tools/list`. */
  readonly listed: readonly ListedTool[];
}

/**
 * Returns the tools that a caller is offered, created once for all callers with the same tools, because describing the
 * inputs takes longer than handling a message. There are few combinations, because few tools depend on the caller.
 */
export class Offers {
  readonly #tools: readonly Tool[];
  readonly #listed = new Map<Tool, ListedTool>();
  /** Keyed by the tools in it. At most two to the power of the number of tools that depend on the caller. */
  readonly #offers = new Map<string, Offer>();

  constructor(tools: readonly Tool[]) {
    this.#tools = tools;
  }

  /** The number of created offers. */
  get size(): number {
    return this.#offers.size;
  }

  for(caller: Caller): Offer {
    const offered = this.#tools.filter((tool) => tool.offered?.(caller) !== false);
    const key = offered.map(({ name }) => name).join(' ');
    let offer = this.#offers.get(key);
    if (offer === undefined) {
      const byName = new Map(offered.map((tool) => [tool.name, tool]));
      this.#offers.set(key, (offer = { byName, listed: offered.map((tool) => this.#describe(tool)) }));
    }
    return offer;
  }

  #describe(tool: Tool): ListedTool {
    let listed = this.#listed.get(tool);
    if (listed === undefined) {
      const { name, title, description, annotations } = tool;
      const inputSchema = z.toJSONSchema(tool.input, { io: 'input' }) as ListedTool['inputSchema'];
      this.#listed.set(tool, (listed = { name, title, description, inputSchema, annotations }));
    }
    return listed;
  }
}
