import { Page } from '../shell/Page.js';

/** The workspace's keys. */
export function KeysPage() {
  return <Page title="API keys">The workspace has no keys yet.</Page>;
}
