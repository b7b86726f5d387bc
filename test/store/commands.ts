/** A command as the driver reports it before it sends it. */
export interface SentCommand {
  readonly commandName: string;
  readonly command: object;
}

const READS = ['find', 'aggregate', 'count', 'distinct'];
const WRITES = ['insert', 'update', 'delete', 'findAndModify', 'dropIndexes'];
/** Of the connection, or of a cursor that has its concern from its first command. An index is built by all voting members. */
const WITHOUT = [
  'hello',
  'ping',
  'getMore',
  'killCursors',
  'endSessions',
  'createIndexes',
  'listIndexes',
  'dropDatabase',
];

/** What the stores of this process have sent since it began: how many commands of each name, and those with another concern. */
export const sent = { counts: new Map<string, number>(), faults: [] as string[] };

export function noteCommand(sending: SentCommand): void {
  sent.counts.set(sending.commandName, (sent.counts.get(sending.commandName) ?? 0) + 1);
  const fault = concernFault(sending);
  if (fault !== null) sent.faults.push(fault);
}

/** @returns what is wrong with the concerns of a command; null: nothing */
export function concernFault({ commandName, command }: SentCommand): string | null {
  const { readConcern, writeConcern, $readPreference, pipeline } = command as {
    readonly readConcern?: { readonly level?: string };
    readonly writeConcern?: object;
    readonly $readPreference?: { readonly mode?: string };
    readonly pipeline?: readonly object[];
  };
  if (WITHOUT.includes(commandName)) return null;
  const mode = $readPreference?.mode ?? 'primary';
  if (mode !== 'primary') return `${commandName} with readPreference ${mode}`;
  const merges = pipeline?.some((stage) => '$merge' in stage) === true;
  if (WRITES.includes(commandName) || merges) {
    const right = JSON.stringify(writeConcern) === '{"w":"majority","j":true}';
    if (!right) return `${commandName} with writeConcern ${JSON.stringify(writeConcern)}`;
  }
  if (READS.includes(commandName)) {
    return readConcern?.level === 'majority' ? null : `${commandName} with readConcern ${JSON.stringify(readConcern)}`;
  }
  return WRITES.includes(commandName) ? null : `${commandName}, of which nothing is decided`;
}
