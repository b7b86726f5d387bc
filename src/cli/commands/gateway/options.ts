import type { Command } from 'commander';

/** The options of all commands for gateways. */
export interface UpstreamOptions {
  readonly upstream?: string;
  readonly schema?: string;
  readonly policy?: string;
}

export function upstreamOptions(command: Command): Command {
  return command
    .option('--upstream <url>', 'GraphQL endpoint of the API (default: GATEWAY_UPSTREAM)')
    .option('--schema <file>', 'schema of the API, with @auth and @public or with a policy (default: GATEWAY_SCHEMA)')
    .option('--policy <file>', 'policy file, which decides who may use each field (default: GATEWAY_POLICY)');
}

/** Returns the variables that the options stand for. */
export function variablesOf({ upstream, schema, policy }: UpstreamOptions): Record<string, string | undefined> {
  return { GATEWAY_UPSTREAM: upstream, GATEWAY_SCHEMA: schema, GATEWAY_POLICY: policy };
}
