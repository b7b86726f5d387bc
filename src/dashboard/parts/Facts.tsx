import { Text } from '@mantine/core';
import type { ReactNode } from 'react';

/** Shows names and values as a description list. */
export function Facts({ children }: { readonly children: ReactNode }) {
  return <dl className="facts">{children}</dl>;
}

export function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <Text component="dt" size="sm" c="dimmed">
        {name}
      </Text>
      <Text component="dd" size="sm" className="anywhere">
        {children}
      </Text>
    </div>
  );
}
