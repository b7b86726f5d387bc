/** Header fields that clients of the Model Context Protocol send and its SDK reads. */
export const MCP_HEADERS = ['MCP-Protocol-Version', 'MCP-Method', 'MCP-Name'] as const;
