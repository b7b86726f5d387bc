import { List, Select, Text } from '@mantine/core';
import { useState } from 'react';
import { useAct } from '../api/useAct.js';
import { SetTierDocument, type WorkspaceQuery } from '../generated/graphql.js';
import { ActDialog } from '../parts/ActDialog.js';
import { tierLabel } from '../parts/words.js';
import { amount, difference, ROWS, TEXT_ROWS, type TierLimits } from './tierRows.js';

interface TierDialogProps {
  readonly workspace: NonNullable<WorkspaceQuery['viewer']>['workspace'];
  readonly tiers: readonly TierLimits[];
  readonly close: () => void;
}

/** Changes the tier of the workspace. Shows what the change means first. */
export function TierDialog({ workspace, tiers, close }: TierDialogProps) {
  const [tier, setTier] = useState<string>(workspace.tier);
  const { act, acting, fault } = useAct(SetTierDocument);
  const [from, to] = [workspace.tier, tier].map((wanted) => tiers.find((one) => one.tier === wanted));
  const { current, admin } = workspace.keys;
  const over = exceeds(current, to?.keys) || exceeds(admin.current, to?.adminKeys);
  return (
    <ActDialog
      title={`Change the tier of ${workspace.name}`}
      action="Change tier"
      close={close}
      disabled={tier === workspace.tier}
      acting={acting}
      fault={fault}
      act={() => void act({ workspaceId: workspace.id, tier }).then((done) => done && close())}
    >
      <Select
        label="Tier"
        data={tiers.map(({ tier: value }) => ({ value, label: tierLabel(value) }))}
        allowDeselect={false}
        data-autofocus
        value={tier}
        onChange={(value) => value !== null && setTier(value)}
      />
      {from !== undefined && to !== undefined && tier !== workspace.tier && (
        <List size="sm" aria-label="What changes">
          {ROWS.map(({ name, of }) => (
            <List.Item key={name}>
              {name}: {amount(of(from))} → {amount(of(to))}
              {of(from) !== of(to) && ` (${difference(of(to), of(from))})`}
            </List.Item>
          ))}
          {TEXT_ROWS.filter(({ of }) => linesOf(of(from)) !== linesOf(of(to))).map(({ name, of }) => (
            <List.Item key={name}>
              {name}: {linesOf(of(from))} → {linesOf(of(to))}
            </List.Item>
          ))}
        </List>
      )}
      {over && (
        <Text size="sm">
          More keys are in use than this tier allows. They keep working, but you cannot create new ones until enough
          keys are revoked or expired.
        </Text>
      )}
    </ActDialog>
  );
}

function linesOf(lines: readonly string[]): string {
  return lines.length === 0 ? 'none' : lines.join('; ');
}

function exceeds(used: number, places: number | null | undefined): boolean {
  return places != null && used > places;
}
