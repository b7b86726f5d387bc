import { Button, Text } from '@mantine/core';
import { Component, type ReactNode } from 'react';
import { Page } from './Page.js';

interface State {
  readonly broken: boolean;
}

/**
 * In place of a page that failed: as one whose part could not be loaded, because the server has another version by now.
 * What it was is in the browser's console, where React writes it.
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
