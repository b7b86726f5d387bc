import type { Command } from 'commander';
import { described } from '../../describe.js';
import { operation } from '../../typedOperation.js';
import { asking } from '../../commandOptions.js';
import type { PageOf } from '../../pages.js';
import type { Column } from '../../table.js';
import { talk } from '../../talk.js';
import { shortMoment } from '../../times.js';
import { limited, showListing, type ListOptions, type PageVariables } from '../listed.js';

interface User {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly createdAt: string;
}

const LIST = operation<{ readonly users: PageOf<User> }, PageVariables>(
  `query Users($first: Int!, $after: String) {
    users(first: $first, after: $after) { nodes { id name roles createdAt } pageInfo { hasNextPage endCursor } }
  }`,
);

const COLUMNS: readonly Column<User>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'NAME', text: ({ name }) => name },
  { title: 'ROLES', text: ({ roles }) => roles.join(', ') || '-' },
  { title: 'CREATED', text: ({ createdAt }) => shortMoment(createdAt) },
];

export function listCommand(): Command {
  const command = described({
    name: 'list',
    description: "List the workspace's users, oldest first, without removed ones. Requires the scope read:users.",
    example: 'latchkey users list --json',
  });
  return asking(limited(command, 'users')).action(async (options: ListOptions) => {
    await talk(options, (told) =>
      showListing(told, options.limit, {
        things: 'users',
        columns: COLUMNS,
        read: async (page) => (await told.ask(LIST, page)).users,
      }),
    );
  });
}
