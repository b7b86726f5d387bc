import { Button, Group, Stack, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';
import { useAct } from '../api/useAct.js';
import { usePages } from '../api/usePages.js';
import {
  CreateProjectDocument,
  ProjectsDocument,
  RenameProjectDocument,
  type ProjectsQuery,
} from '../generated/graphql.js';
import { pageOf } from '../limits/subject.js';
import { ActDialog } from '../parts/ActDialog.js';
import { NameInput } from '../parts/NameInput.js';
import { Listing } from './Listing.js';

const READ = 50;

type Project = NonNullable<ProjectsQuery['projects']>['nodes'][number];

/** Lists the projects of the workspace. */
export function Projects() {
  const [needed, setNeeded] = useState(READ);
  const [dialog, setDialog] = useState<Project | 'new' | null>(null);
  const projects = usePages(ProjectsDocument, {
    of: 'projects',
    variables: (after) => ({ first: READ, after }),
    pageOf: (data) => data.projects,
    needed: needed,
  });
  return (
    <Listing
      title="Projects"
      add="Create project"
      onAdd={() => setDialog('new')}
      pages={projects}
      more={() => setNeeded(projects.nodes.length + READ)}
      empty="Projects divide a workspace. A key of a project can access only that project."
      dialog={
        dialog !== null && (
          <ProjectDialog
            project={dialog === 'new' ? null : dialog}
            close={(changed) => {
              setDialog(null);
              if (changed) projects.ask();
            }}
          />
        )
      }
    >
      {projects.nodes.map((project) => (
        <Table.Tr key={project.id}>
          <Table.Td>
            <Stack gap={0} miw={110}>
              <Text size="sm" className="anywhere">
                {project.name}
              </Text>
              <Text size="xs" c="dimmed" ff="monospace" className="anywhere">
                {project.id}
              </Text>
            </Stack>
          </Table.Td>
          <Table.Td>
            <Group gap={4} justify="flex-end">
              <Button
                component={Link}
                href={`/keys?project=${encodeURIComponent(project.id)}`}
                variant="subtle"
                size="compact-sm"
                aria-label={`Keys of ${project.name}`}
              >
                Keys
              </Button>
              <Button
                component={Link}
                href={pageOf({ type: 'PROJECT', id: project.id })}
                variant="subtle"
                size="compact-sm"
                aria-label={`Limits of ${project.name}`}
              >
                Limits
              </Button>
              <Button
                variant="subtle"
                size="compact-sm"
                aria-label={`Rename ${project.name}`}
                onClick={() => setDialog(project)}
              >
                Rename
              </Button>
            </Group>
          </Table.Td>
        </Table.Tr>
      ))}
    </Listing>
  );
}

interface ProjectDialogProps {
  /** null for a new project. */
  readonly project: Project | null;
  readonly close: (changed: boolean) => void;
}

function ProjectDialog({ project, close }: ProjectDialogProps) {
  const [name, setName] = useState(project?.name ?? '');
  const create = useAct(CreateProjectDocument);
  const rename = useAct(RenameProjectDocument);
  const { acting, fault } = project === null ? create : rename;
  const save = async () => {
    const done = project === null ? await create.act({ name }) : await rename.act({ id: project.id, name });
    if (done !== null) close(true);
  };
  return (
    <ActDialog
      title={project === null ? 'Create project' : `Rename ${project.name}`}
      action={project === null ? 'Create' : 'Rename'}
      close={() => close(false)}
      disabled={name.trim() === ''}
      acting={acting}
      fault={fault}
      act={() => void save()}
    >
      <NameInput value={name} change={setName} />
    </ActDialog>
  );
}
