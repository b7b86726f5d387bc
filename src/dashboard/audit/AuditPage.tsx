import { Alert, Button, Code, Group, MultiSelect, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useState } from 'react';
import { useSearchParams } from 'wouter';
import { usePages } from '../api/usePages.js';
import { AuditLogDocument, type AuditAction, type AuditFilter } from '../generated/graphql.js';
import { Empty, Outline } from '../parts/Asking.js';
import { FaultNotice } from '../parts/FaultNotice.js';
import { ACTIONS, choices } from '../parts/words.js';
import { reduce } from '../keys/reducedClue.js';
import { Page } from '../shell/Page.js';
import { AuditList } from './AuditList.js';
import { daysBetween } from './days.js';

/** Entries per request. */
const READ = 50;
const TYPING = 300;

type Name = 'actions' | 'subject' | 'actor' | 'from' | 'to';

/** Shows who changed what in the workspace, newest first. */
export default function AuditPage() {
  const [params, setParams] = useSearchParams();
  const [needed, setNeeded] = useState(READ);
  const filter = filterOf(params);
  const of = JSON.stringify(filter);
  const log = usePages(AuditLogDocument, {
    of,
    variables: (after) => ({ first: READ, after, filter }),
    pageOf: (data) => data.auditLog,
    needed: needed,
  });
  const change = (name: Name, value: string) => {
    setNeeded(READ);
    setParams(
      (old) => {
        const next = new URLSearchParams(old);
        if (value === '') next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );
  };
  const { nodes, first, fault, again, ask, whole, stale } = log;
  if (fault?.kind === 'forbidden') {
    return (
      <Page title="Audit log">
        <FaultNotice fault={fault} />
      </Page>
    );
  }
  return (
    <Page title="Audit log">
      <Text size="sm" c="dimmed" maw={720}>
        All changes to keys, projects, users and the tier, and the numbers of rejected requests. Entries cannot be
        changed or deleted.
      </Text>
      <Filters params={params} change={change} />
      {fault !== null && <FaultNotice fault={fault} again={again} ask={ask} />}
      {first === null && fault === null && <Outline />}
      {first !== null && nodes.length === 0 && <Empty title="No entries match">Change the filters.</Empty>}
      {nodes.length > 0 && (
        <Stack gap="md" opacity={stale ? 0.6 : 1}>
          <AuditList entries={nodes} />
          {!whole && (
            <Group>
              <Button variant="default" onClick={() => setNeeded(nodes.length + READ)}>
                Show older entries
              </Button>
            </Group>
          )}
        </Stack>
      )}
      <Alert color="gray" title="Is the log complete?">
        Each entry contains the hash of the previous one, so a missing or changed entry can be detected. To check the
        log, run <Code>latchkey audit verify</Code>.
      </Alert>
    </Page>
  );
}

interface FiltersProps {
  readonly params: URLSearchParams;
  readonly change: (name: Name, value: string) => void;
}

function Filters({ params, change }: FiltersProps) {
  const size = { w: { base: '100%', xs: 'calc(50% - 6px)', md: 160 } } as const;
  return (
    <Group gap="sm" align="flex-end" role="search" aria-label="Audit log">
      <MultiSelect
        label="Actions"
        placeholder={params.has('actions') ? '' : 'Any'}
        data={choices(ACTIONS)}
        value={actionsOf(params)}
        onChange={(actions) => change('actions', actions.join(','))}
        clearable
        searchable
        w={{ base: '100%', md: 240 }}
      />
      <IdField
        key={`s${params.get('subject') ?? ''}`}
        label="Changed object"
        name="subject"
        {...{ params, change, size }}
      />
      <IdField key={`a${params.get('actor') ?? ''}`} label="Changed by" name="actor" {...{ params, change, size }} />
      {(['from', 'to'] as const).map((name) => (
        <TextInput
          {...size}
          key={name}
          type="date"
          label={name === 'from' ? 'From' : 'To'}
          value={params.get(name) ?? ''}
          onChange={(event) => change(name, event.currentTarget.value)}
        />
      ))}
    </Group>
  );
}

interface IdFieldProps extends FiltersProps {
  readonly label: string;
  readonly name: Name;
  readonly size: object;
}

function IdField({ label, name, params, change, size }: IdFieldProps) {
  const [text, setText] = useState(params.get(name) ?? '');
  const [isToken, setIsToken] = useState(false);
  const apply = useDebouncedCallback((value: string) => change(name, value.trim()), TYPING);
  return (
    <TextInput
      {...size}
      label={label}
      placeholder="ID"
      maxLength={128}
      spellCheck={false}
      value={text}
      error={isToken && 'This is a token. Search for it on the API keys page.'}
      onChange={(event) => {
        // A token must not get into the address: only its lookup ID is kept.
        const clue = reduce(event.currentTarget.value);
        const kept = clue.kind === 'text' || clue.kind === 'token' ? clue.text : '';
        setIsToken(clue.kind !== 'text');
        setText(kept);
        apply(clue.kind === 'text' ? kept : '');
      }}
    />
  );
}

function actionsOf(params: URLSearchParams): AuditAction[] {
  const words = (params.get('actions') ?? '').split(',');
  return words.filter((word): word is AuditAction => Object.hasOwn(ACTIONS, word));
}

function filterOf(params: URLSearchParams): AuditFilter {
  const actions = actionsOf(params);
  const [subject, actor] = [params.get('subject'), params.get('actor')];
  return {
    ...(actions.length > 0 && { actions }),
    ...(subject !== null && { subject }),
    ...(actor !== null && { actor }),
    ...daysBetween(params.get('from'), params.get('to')),
  };
}
