import { Authenticator } from '../core/auth/authenticator.js';
import type { Configuration } from '../core/auth/configuration.js';
import { ConfiguredKeys } from '../core/auth/configuredKeys.js';
import { createContextBuilder, principalOf, type ContextBuilder } from '../core/auth/context.js';
import { readableSource, type ForeignSource } from '../core/auth/headerFields.js';
import { Networks } from '../core/auth/networks.js';
import type { ResourceKind } from '../core/auth/oidc/protectedResource.js';
import { OperatorKey } from '../core/auth/operator.js';
import type { Principal } from '../core/auth/principal.js';
import { SecretVerifier } from '../core/auth/secretVerifier.js';
import { standingOf, type Standing } from '../core/auth/standing.js';
import type { Refused } from '../core/errors/refusalValue.js';
import type { Change } from '../core/keys/changeFeed.js';
import type { Store } from '../core/store/store.js';
import { standingLimits } from '../core/limits/limitHeaders.js';
import { checkOptions } from '../core/util/checkOptions.js';
import { lookAtClear } from '../management/audit/clear.js';
import { watched } from '../management/audit/watched.js';
import { optionError } from '../shared/optionChecks.js';
import type { Accounts } from './accounts.js';
import type { Admission } from './admission.js';
import type { Foundation } from './foundation.js';
import { configurationSchema, type LatchkeyOptions } from './latchkeyOptions.js';
import { issuerOf } from './signing.js';

/** Everything that turns a credential into a principal. */
export class Principals {
  readonly #foundation: Foundation;
  readonly #accounts: Accounts;
  readonly #authenticator: Authenticator;
  /** The authenticator, with its refusals counted. */
  readonly #door: Pick<Authenticator, 'authenticate' | 'judge'>;
  /** The same, which returns frequent refusals. */
  readonly #judge: { readonly authenticate: Authenticator['judge'] };
  readonly #networks: Networks;
  readonly #configuration: { replace(configuration: Configuration, keys: ConfiguredKeys): void };
  readonly operator: OperatorKey | null;

  constructor(foundation: Foundation, accounts: Accounts) {
    const { options } = foundation;
    this.#foundation = foundation;
    this.#accounts = accounts;
    this.operator = operatorOf(options.adminApiKey);
    this.#authenticator = authenticatorOf(foundation, accounts, this.operator);
    this.#door = watched(this.#authenticator, accounts.refusals);
    this.#judge = { authenticate: this.#door.judge };
    this.#networks = new Networks(options.now ?? (() => performance.now()));
    foundation.changes.listen((change) => this.#authenticator.forget(change));
    this.#configuration = foundation.changes.around({ configuration: this.#replaceable() }).configuration;
  }

  /** Returns the operation that replaces the configuration. It isn't announced yet. */
  #replaceable() {
    return {
      replace: (configuration: Configuration, keys: ConfiguredKeys): void => {
        this.#foundation.configured.replace(configuration, keys);
        this.#authenticator.configure(configuration.apiKeys, keys, configuration.oidc);
      },
    };
  }

  /** Reads what the store knows about imported keys. Call it before the first request. */
  open(): Promise<void> {
    return this.#authenticator.open();
  }

  readonly authenticate = (source: ForeignSource): Principal | Promise<Principal> =>
    principalOf(readableSource(source), this.#door, this.#foundation.observer, this.#networks);

  readonly judge = (source: ForeignSource): Principal | Refused | Promise<Principal | Refused> =>
    principalOf(readableSource(source), this.#judge, this.#foundation.observer, this.#networks);

  // Without the observer, which has counted this request already.
  readonly reauthenticate = (source: ForeignSource): Principal | Promise<Principal> =>
    principalOf(readableSource(source), this.#door);

  // Not through the door: the credential is not its sender's.
  readonly identify: Authenticator['identify'] = (credential, sender) =>
    this.#authenticator.identify(credential, sender);

  readonly standing = (source: ForeignSource): Standing | Promise<Standing> =>
    standingOf(readableSource(source), this.#authenticator);

  readonly sawInClear = async (source: ForeignSource): Promise<void> =>
    lookAtClear(readableSource(source), this.#door, this.#accounts.sentInClear);

  readonly onChange = (listener: (change: Change | null) => void): void => {
    if (typeof listener !== 'function') throw optionError('onChange: listener', listener, 'a function');
    const { changes, callbacks } = this.#foundation;
    changes.listen(callbacks.contain('onChange', listener));
  };

  readonly resourceMetadata = (kind: ResourceKind = 'graphql'): string | null => {
    const oidc = this.#foundation.configured.oidc();
    return (kind === 'mcp' ? oidc?.mcpMetadata : oidc?.resourceMetadata) ?? null;
  };

  contextBuilder({ arrived, checkLimits, limiter }: Admission): ContextBuilder {
    return createContextBuilder(this.#door, this.#foundation.observer, this.resourceMetadata, {
      networks: this.#networks,
      arrived(principal) {
        const counted = arrived(principal);
        return counted instanceof Promise ? counted.then(() => checkLimits(principal)) : checkLimits(principal);
      },
      standing: (principal) => standingLimits(principal, limiter, this.#foundation.configured.rateLimitHeaders()),
    });
  }

  readonly prepare = async (configuration: Configuration): Promise<() => void> => {
    checkOptions('prepare: configuration', configurationSchema, configuration);
    const { gate, store } = this.#foundation;
    const next = await ConfiguredKeys.hashed(configuration, gate);
    await assertWorkspaces(next, store);
    await assertWorkspaceOfTokens(configuration, store);
    return () => {
      this.#configuration.replace(configuration, next);
    };
  };
}

function authenticatorOf(foundation: Foundation, accounts: Accounts, operator: OperatorKey | null): Authenticator {
  const { options, store, now, gate, peppers, observer, configured } = foundation;
  const { usage, watch } = accounts;
  return new Authenticator({
    store,
    operator,
    roles: configured.roles,
    prefixes: () => Object.values(configured.prefixes()),
    now,
    secrets: new SecretVerifier({ gate, peppers, now, saveDigest: (id, digest) => store.keys.saveDigest(id, digest) }),
    onUse: (keyId, at, key, address) => {
      usage.used(keyId, at);
      watch.used(key, at, address);
    },
    observer,
    fetch: options.fetch,
    issuer: issuerOf(options),
    ...(options.cacheTtl !== undefined && { cacheTtl: options.cacheTtl }),
  });
}

function operatorOf(key: LatchkeyOptions['adminApiKey']): OperatorKey | null {
  if (key == null) return null;
  return typeof key === 'string' ? new OperatorKey(key) : key;
}

/** Checks that the workspaces of configured keys exist. Otherwise only the callers would notice. @throws TypeError */
async function assertWorkspaces({ records }: ConfiguredKeys, { workspaces }: Store): Promise<void> {
  const ids = new Set(records.map(({ workspaceId }) => workspaceId));
  for (const id of ids) {
    if ((await workspaces.find(id)) !== null) continue;
    const { name } = records.find(({ workspaceId }) => workspaceId === id) ?? {};
    throw new TypeError(
      `The configured key "${name}" is in the workspace "${id}", which does not exist. Create it first, or correct the key's workspace.`,
    );
  }
}

/** @throws TypeError */
async function assertWorkspaceOfTokens({ oidc }: Configuration, { workspaces }: Store): Promise<void> {
  if (oidc?.workspaceClaim !== null) return;
  if ((await workspaces.find(oidc.workspace)) !== null) return;
  throw new TypeError(
    `Access tokens are in the workspace "${oidc.workspace}", which does not exist. Create it first, or correct auth.oidc.workspace.`,
  );
}
