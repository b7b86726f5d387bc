import { Badge, Button, Group, Stack, Table, TagsInput, Text } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';
import { useAct } from '../api/useAct.js';
import { usePages } from '../api/usePages.js';
import {
  AddUserDocument,
  RemoveUserDocument,
  UpdateUserDocument,
  UsersDocument,
  type UsersQuery,
} from '../generated/graphql.js';
import { pageOf } from '../limits/subject.js';
import { ActDialog } from '../parts/ActDialog.js';
import { NameInput } from '../parts/NameInput.js';
import { Listing } from './Listing.js';

const READ = 50;

type User = NonNullable<UsersQuery['users']>['nodes'][number];

type Open = { readonly kind: 'add' } | { readonly kind: 'edit' | 'remove'; readonly user: User };

/** Lists the users of the workspace, who can own keys. */
export function Users() {
  const [needed, setNeeded] = useState(READ);
  const [dialog, setDialog] = useState<Open | null>(null);
  const users = usePages(UsersDocument, {
    of: 'users',
    variables: (after) => ({ first: READ, after }),
    pageOf: (data) => data.users,
    needed: needed,
  });
  const close = (changed: boolean) => {
    setDialog(null);
    if (changed) users.ask();
  };
  return (
    <Listing
      title="Users"
      add="Add user"
      onAdd={() => setDialog({ kind: 'add' })}
      pages={users}
      more={() => setNeeded(users.nodes.length + READ)}
      empty="Users can own keys. The keys of a user can do only what the user’s roles allow, and are revoked when the user is removed."
      dialog={
        dialog !== null &&
        (dialog.kind === 'remove' ? (
          <RemoveDialog user={dialog.user} close={close} />
        ) : (
          <UserDialog user={dialog.kind === 'add' ? null : dialog.user} close={close} />
        ))
      }
    >
      {users.nodes.map((user) => (
        <Table.Tr key={user.id}>
          <Table.Td>
            <Stack gap={4} miw={110}>
              <Text size="sm" className="anywhere">
                {user.name}
              </Text>
              <Group gap={4}>
                {user.roles.map((role) => (
                  <Badge key={role} color="gray">
                    {role}
                  </Badge>
                ))}
              </Group>
            </Stack>
          </Table.Td>
          <Table.Td>
            <Group gap={4} justify="flex-end">
              <Button
                component={Link}
                href={pageOf({ type: 'USER', id: user.id })}
                variant="subtle"
                size="compact-sm"
                aria-label={`Limits of ${user.name}`}
              >
                Limits
              </Button>
              <Button
                variant="subtle"
                size="compact-sm"
                aria-label={`Edit ${user.name}`}
                onClick={() => setDialog({ kind: 'edit', user })}
              >
                Edit
              </Button>
              <Button
                variant="subtle"
                color="red"
                size="compact-sm"
                aria-label={`Remove ${user.name}`}
                onClick={() => setDialog({ kind: 'remove', user })}
              >
                Remove
              </Button>
            </Group>
          </Table.Td>
        </Table.Tr>
      ))}
    </Listing>
  );
}

interface UserDialogProps {
  /** null for a new user. */
  readonly user: User | null;
  readonly close: (changed: boolean) => void;
}

function UserDialog({ user, close }: UserDialogProps) {
  const [name, setName] = useState(user?.name ?? '');
  const [roles, setRoles] = useState<readonly string[]>(user?.roles ?? []);
  const add = useAct(AddUserDocument);
  const update = useAct(UpdateUserDocument);
  const { acting, fault } = user === null ? add : update;
  const save = async () => {
    const done = user === null ? await add.act({ name, roles }) : await update.act({ id: user.id, name, roles });
    if (done !== null) close(true);
  };
  return (
    <ActDialog
      title={user === null ? 'Add user' : `Edit ${user.name}`}
      action={user === null ? 'Add' : 'Save'}
      close={() => close(false)}
      disabled={name.trim() === ''}
      acting={acting}
      fault={fault}
      act={() => void save()}
    >
      <NameInput value={name} change={setName} />
      <TagsInput
        label="Roles"
        description="Type a role and press Enter. The user’s keys can do only what the roles allow."
        maxTags={20}
        value={[...roles]}
        onChange={setRoles}
      />
    </ActDialog>
  );
}

function RemoveDialog({ user, close }: { readonly user: User; readonly close: UserDialogProps['close'] }) {
  const { act, acting, fault } = useAct(RemoveUserDocument);
  return (
    <ActDialog
      title={`Remove ${user.name}`}
      action="Remove user"
      color="red"
      close={() => close(false)}
      acting={acting}
      fault={fault}
      act={() => void act({ id: user.id }).then((done) => done && close(true))}
    >
      <Text size="sm">
        This also revokes the user’s keys. You cannot undo this. Keys owned by the workspace are not affected.
      </Text>
    </ActDialog>
  );
}
