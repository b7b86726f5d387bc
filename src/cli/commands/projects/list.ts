import type { Command } from 'commander';
import { described } from '../../describe.js';
import { operation } from '../../typedOperation.js';
import { asking } from '../../commandOptions.js';
import type { PageOf } from '../../pages.js';
import type { Column } from '../../table.js';
import { talk } from '../../talk.js';
import { shortMoment } from '../../times.js';
import { limited, showListing, type ListOptions, type PageVariables } from '../listed.js';

interface Project {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
}

const LIST = operation<{ readonly projects: PageOf<Project> }, PageVariables>(
  `query Projects($first: Int!, $after: String) {
    projects(first: $first, after: $after) { nodes { id name createdAt } pageInfo { hasNextPage endCursor } }
  }`,
);

const COLUMNS: readonly Column<Project>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'NAME', text: ({ name }) => name },
  { title: 'CREATED', text: ({ createdAt }) => shortMoment(createdAt) },
];

export function listCommand(): Command {
  const command = described({
    name: 'list',
    description: "List the workspace's projects, oldest first.",
    example: 'latchkey projects list',
  });
  return asking(limited(command, 'projects')).action(async (options: ListOptions) => {
    await talk(options, (told) =>
      showListing(told, options.limit, {
        things: 'projects',
        columns: COLUMNS,
        read: async (page) => (await told.ask(LIST, page)).projects,
      }),
    );
  });
}
