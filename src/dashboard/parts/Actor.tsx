import { Anchor, Code, Text } from '@mantine/core';
import { Link } from 'wouter';

interface ActorProps {
  /** The ID of a credential; null for the service itself. */
  readonly id: string | null;
  /** Its name; null if it has none, or it is in another workspace. */
  readonly name: string | null;
}

/** Shows who did something: a key by its name, with a link to it and its id as a tooltip. */
export function Actor({ id, name }: ActorProps) {
  if (id === null) return <>Latchkey</>;
  if (id === 'operator') return <>the operator</>;
  return id.startsWith('key_') || id.startsWith('conf_') ? <KeyLink id={id} name={name} inText /> : <>{name ?? id}</>;
}

interface KeyLinkProps {
  readonly id: string;
  readonly name: string | null;
  /** Underlines the link: in a sentence, its colour alone does not distinguish it (WCAG 1.4.1). Default: false */
  readonly inText?: boolean;
}

/** Links to a key by its name, or by its id if the name is unknown. */
export function KeyLink({ id, name, inText = false }: KeyLinkProps) {
  const underline = inText ? 'always' : 'hover';
  return (
    <Anchor component={Link} href={`/keys/${id}`} size="sm" title={id} underline={underline} className="anywhere">
      {name ?? <Code>{id}</Code>}
    </Anchor>
  );
}

/** Shows an ID in small letters next to the name. */
export function Id({ id }: { readonly id: string }) {
  return (
    <Text span size="xs" c="dimmed" ff="monospace" className="anywhere">
      {id}
    </Text>
  );
}
