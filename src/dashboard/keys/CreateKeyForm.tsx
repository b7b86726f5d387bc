import { Button, Fieldset, Group, Radio, Select, Stack, Textarea, TextInput } from '@mantine/core';
import { useRef, useState, type SyntheticEvent } from 'react';
import { Link, useLocation } from 'wouter';
import { useAct } from '../api/useAct.js';
import { CreateKeyDocument, type NewKeyQuery } from '../generated/graphql.js';
import { useShowIssued } from '../issued/issued.js';
import { byName } from '../parts/byName.js';
import { FaultNotice } from '../parts/FaultNotice.js';
import { ENVIRONMENTS, PURPOSES, TYPES, choices } from '../parts/words.js';
import { EMPTY_KEY, EXPIRIES, faultsOf, FIELDS, inputOf, type Faults, type NewKey } from './newKey.js';
import { ScopePicker } from './ScopePicker.js';
import { hindrance, type Listing } from './scopeChoice.js';

interface CreateKeyFormProps {
  readonly listings: readonly Listing[];
  readonly projects: NonNullable<NewKeyQuery['projects']>['nodes'];
  readonly users: NonNullable<NewKeyQuery['users']>['nodes'];
}

export function CreateKeyForm({ listings, projects, users }: CreateKeyFormProps) {
  const [key, setKey] = useState<NewKey>(EMPTY_KEY);
  const [faults, setFaults] = useState<Faults>({});
  const { act, acting, fault } = useAct(CreateKeyDocument);
  const show = useShowIssued();
  const [, go] = useLocation();
  const form = useRef<HTMLFormElement>(null);

  const put = (change: Partial<NewKey>) => {
    setKey({ ...key, ...change });
    setFaults(Object.fromEntries(Object.entries(faults).filter(([field]) => !(field in change))));
  };
  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    const now = Date.now();
    const found = faultsOf(key, now);
    setFaults(found);
    if (Object.keys(found).length > 0) {
      // Browsers do the same with invalid fields.
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus());
      return;
    }
    const answer = await act(inputOf(key, now));
    if (answer?.createApiKey == null) return;
    const { token, apiKey } = answer.createApiKey;
    show({ token, name: apiKey.name, by: 'creation' });
    go(`/keys/${apiKey.id}`);
  };
  const atFault = fault?.kind === 'refused' && fault.field !== null ? FIELDS[fault.field] : undefined;
  const faultAt = (field: keyof NewKey) =>
    faults[field] ?? (atFault === field && fault !== null ? fault.message : null);
  const setType = (type: NewKey['type']) => {
    const free = new Set(listings.filter((listing) => hindrance(listing, type) === null).map(({ scope }) => scope));
    put({ type, scopes: key.scopes.filter((scope) => free.has(scope)) });
  };

  return (
    <form ref={form} noValidate onSubmit={(event) => void submit(event)}>
      <Stack gap="lg" maw={680}>
        <TextInput
          label="Name"
          description="Describe what uses the key, for example production-backend or ci-pipeline."
          required
          autoComplete="off"
          value={key.name}
          error={faultAt('name')}
          onChange={(event) => put({ name: event.currentTarget.value })}
        />
        <Radio.Group label="Type" value={key.type} onChange={(type) => setType(type)}>
          <Stack gap="xs" mt={6}>
            {choices(TYPES).map(({ value, label }) => (
              <Radio key={value} value={value} label={label} description={PURPOSES[value]} />
            ))}
          </Stack>
        </Radio.Group>
        <Radio.Group
          label="Environment"
          description="Shown in the key’s prefix, so that you can tell test and live keys apart."
          value={key.environment}
          onChange={(environment) => put({ environment: environment })}
        >
          <Group mt={6}>
            {choices(ENVIRONMENTS).map(({ value, label }) => (
              <Radio key={value} value={value} label={label} />
            ))}
          </Group>
        </Radio.Group>
        <ScopePicker
          listings={listings}
          type={key.type}
          chosen={key.scopes}
          choose={(scopes) => put({ scopes })}
          fault={faultAt('scopes')}
        />
        <Group grow align="flex-start" preventGrowOverflow={false}>
          <Select
            label="Expires"
            description="The key stops working on this date. Rotate it before then."
            data={EXPIRIES}
            allowDeselect={false}
            value={key.expiry}
            onChange={(expiry) => put({ expiry: expiry ?? EMPTY_KEY.expiry })}
          />
          {key.expiry === 'at' && (
            <TextInput
              type="datetime-local"
              label="Date and time"
              description="In your time zone."
              required
              value={key.expiresAt}
              error={faultAt('expiresAt')}
              onChange={(event) => put({ expiresAt: event.currentTarget.value })}
            />
          )}
        </Group>
        <Fieldset legend="Access" variant="default">
          <Stack>
            <Select
              label="Project"
              description="A key of a project can access only that project."
              placeholder="All projects"
              data={named(projects)}
              searchable
              filter={byName}
              clearable
              value={key.project}
              error={faultAt('project')}
              onChange={(project) => put({ project })}
            />
            <Select
              label="Owner"
              description="If a user owns the key, it can only do what the user’s roles allow, and is revoked when the user is removed."
              placeholder="The workspace"
              data={named(users)}
              searchable
              filter={byName}
              clearable
              value={key.user}
              error={faultAt('user')}
              onChange={(user) => put({ user })}
            />
            <Textarea
              label="Allowed addresses"
              description="IPv4 or IPv6 addresses or CIDR ranges, one per line. Leave empty to allow any address."
              placeholder={'192.0.2.0/24\n2001:db8::/32'}
              autosize
              minRows={2}
              maxRows={8}
              spellCheck={false}
              value={key.addresses}
              error={faultAt('addresses')}
              onChange={(event) => put({ addresses: event.currentTarget.value })}
            />
          </Stack>
        </Fieldset>
        {fault !== null && atFault === undefined && <FaultNotice fault={fault} />}
        <Group>
          <Button type="submit" loading={acting}>
            Create key
          </Button>
          <Button component={Link} href="/keys" variant="default">
            Cancel
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function named(list: readonly { readonly id: string; readonly name: string }[]) {
  return list.map(({ id, name }) => ({ value: id, label: name }));
}
