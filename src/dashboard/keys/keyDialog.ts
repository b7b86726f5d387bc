import type { KeyFactsFragment } from '../generated/graphql.js';

/** The properties of a dialog for an action on a key. */
export interface KeyDialogProps {
  readonly apiKey: KeyFactsFragment;
  readonly close: () => void;
}
