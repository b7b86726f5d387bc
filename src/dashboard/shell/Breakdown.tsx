import { Button, Text } from '@mantine/core';
import { Component, type ReactNode } from 'react';
import { Page } from './Page.js';

interface State {
  readonly broken: boolean;
}

/**
 * Replaces a page that failed, for example because one of its files could not be loaded after a server update. React writes the
 * error to the console of the browser.
 */
export class Breakdown extends Component<{ readonly children: ReactNode }, State> {
  override state: State = { broken: false };

  static getDerivedStateFromError(): State {
    return { broken: true };
  }

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children;
    return (
      <Page title="Something went wrong" actions={<Button onClick={() => location.reload()}>Reload the page</Button>}>
        <Text>This page may be out of date. Reload it.</Text>
      </Page>
    );
  }
}
