import { Group, Stack, Title } from '@mantine/core';
import { useEffect, useRef, type ReactNode } from 'react';

export interface PageProps {
  /** The page's only h1, and the window's title. */
  readonly title: string;
  /** Over the heading: the way back up. */
  readonly above?: ReactNode;
  /** Beside the heading. */
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** A page within the shell. The focus goes to its heading when it opens, as after loading a document. */
export function Page({ title, above, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // A key that is shown once stands above the page that it was made for, and keeps the focus.
    if (document.querySelector('[role=dialog]') === null) heading.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, []);
  useEffect(() => {
    document.title = `${title} · Latchkey`;
  }, [title]);
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="center">
        <Stack gap={2} miw={0}>
          {above}
          <Title order={1} size="h2" ref={heading} tabIndex={-1} className="anywhere">
            {title}
          </Title>
        </Stack>
        {actions}
      </Group>
      {children}
    </Stack>
  );
}
