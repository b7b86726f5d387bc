import { AppShell, Burger, Button, Group, NavLink, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { GraphIcon, KeyIcon, LogIcon, OrganizationIcon, PulseIcon } from '@primer/octicons-react';
import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { ColorSchemeSwitch } from './ColorSchemeSwitch.js';
import { SignedInAs } from './SignedInAs.js';

const PAGES = [
  { to: '/keys', label: 'API keys', Icon: KeyIcon },
  { to: '/workspace', label: 'Workspace', Icon: OrganizationIcon },
  { to: '/usage', label: 'Usage', Icon: GraphIcon },
  { to: '/audit', label: 'Audit log', Icon: LogIcon },
  { to: '/events', label: 'Live events', Icon: PulseIcon },
] as const;

/** Shows the header and the list of pages around a page. */
export function Shell({ signOut, children }: { readonly signOut: () => void; readonly children: ReactNode }) {
  const [opened, { toggle, close }] = useDisclosure(false);
  const [location] = useLocation();
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 232, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding={{ base: 'md', md: 'xl' }}
    >
      <a className="skip-link" href="#content">
        Skip to content
      </a>
      <AppShell.Header px="md">
        <Group h="100%" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={opened}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={opened ? 'Close the menu' : 'Open the menu'}
              aria-expanded={opened}
            />
            <Text fw={650} size="lg">
              Latchkey
            </Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <SignedInAs />
            <ColorSchemeSwitch />
            <Button variant="default" size="xs" onClick={signOut}>
              Sign out
            </Button>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label="Pages">
        <Text size="xs" fw={600} c="dimmed" px="sm" py={6}>
          Settings
        </Text>
        {PAGES.map(({ to, label, Icon }) => {
          const active = location === to || location.startsWith(`${to}/`);
          return (
            <NavLink
              key={to}
              component={Link}
              href={to}
              onClick={close}
              label={label}
              active={active}
              aria-current={active ? 'page' : undefined}
              leftSection={<Icon />}
            />
          );
        })}
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        {children}
      </AppShell.Main>
    </AppShell>
  );
}
