import { Badge, Group, Table, Text } from '@mantine/core';
import { useLayoutEffect, useRef } from 'react';
import { tierLabel } from '../parts/words.js';
import { amount, difference, ROWS, TEXT_ROWS, type TierLimits } from './tierRows.js';

/** Compares all tiers with the current one. */
export function TierTable({ tiers, present }: { readonly tiers: readonly TierLimits[]; readonly present: string }) {
  const own = tiers.find(({ tier }) => tier === present);
  const scroller = useRef<HTMLDivElement>(null);
  const column = useRef<HTMLTableCellElement>(null);
  useLayoutEffect(() => {
    const names = column.current?.parentElement?.firstElementChild;
    // On a phone one tier is in sight at a time: the current one first.
    if (scroller.current === null || column.current === null || !(names instanceof HTMLElement)) return;
    scroller.current.scrollLeft = column.current.offsetLeft - names.offsetWidth;
  }, [present]);
  return (
    <Table.ScrollContainer
      ref={scroller}
      minWidth={640}
      type="native"
      tabIndex={0}
      role="region"
      aria-label="Table of tiers"
    >
      <Table className="tiers" aria-label="Tiers" withColumnBorders={false} highlightOnHover={false}>
        <Table.Thead>
          <Table.Tr>
            <Table.Td />
            {tiers.map(({ tier }) => (
              <Table.Th key={tier} scope="col" ref={tier === present ? column : undefined}>
                <Group gap={6}>
                  {tierLabel(tier)}
                  {tier === present && <Badge>Current</Badge>}
                </Group>
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {ROWS.map(({ name, of }) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" fw={500} style={{ verticalAlign: 'top' }}>
                {name}
              </Table.Th>
              {tiers.map((tier) => (
                <Table.Td key={tier.tier} className="number" valign="top">
                  {amount(of(tier))}
                  {own !== undefined && (
                    <Text size="xs" c="dimmed">
                      {difference(of(tier), of(own))}
                    </Text>
                  )}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
          {TEXT_ROWS.filter(({ of }) => tiers.some((tier) => of(tier).length > 0)).map(({ name, of }) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" fw={500} style={{ verticalAlign: 'top' }}>
                {name}
              </Table.Th>
              {tiers.map((tier) => (
                <Table.Td key={tier.tier} className="number" valign="top">
                  {of(tier).map((line) => (
                    <Text key={line} size="sm">
                      {line}
                    </Text>
                  ))}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
