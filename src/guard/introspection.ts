import { unauthenticated } from '../credentials/authenticator.js';
import type { Principal } from '../credentials/principal.js';
import { Refusal } from '../refusals/refusal.js';

/** Where a GraphQL schema may be read by introspection and at /schema.graphql: by anyone, by any key, by nobody. */
export type Introspection = 'on' | 'authenticated' | 'off';

/** Why a principal may not read the schema; null where they may. */
export function refuseIntrospection(introspection: Introspection, principal: Principal): Refusal | null {
  switch (introspection) {
    case 'on':
      return null;
    case 'authenticated':
      return principal.kind === 'anonymous' ? unauthenticated('missing') : null;
    case 'off':
      return new Refusal('Introspection is off on this server. Ask its operator for the schema.', {
        code: 'FORBIDDEN',
        missing: [],
        fields: [],
      });
  }
}
