import { Group, Stack, Title } from '@mantine/core';
import { useEffect, useRef, type ReactNode } from 'react';

interface PageProps {
  /** The only h1 of the page, and the title of the window. */
  readonly title: string;
  /** A link to the parent page, above the heading. */
  readonly above?: ReactNode;
  /** Beside the heading. */
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** Shows a page within the shell. The heading gets the focus when the page opens, as after loading a document. */
export function Page({ title, above, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // The dialog with a new token is above the page, and keeps the focus.
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
