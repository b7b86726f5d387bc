/** The maximum number of faults that an error names. */
const MAX_FAULTS = 20;

/** Returns distinct faults, one for each line of a message, and how many more there are. */
export function faultLines(faults: readonly string[]): readonly string[] {
  const all = [...new Set(faults)];
  const more = all.length - MAX_FAULTS;
  return more <= 0
    ? all
    : [...all.slice(0, MAX_FAULTS), `${more} more ${more === 1 ? 'fault is' : 'faults are'} not shown.`];
}

/** The error for invalid settings. Each line of the message is one fault: the name, what is wrong, and what is allowed. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  /** All faults. */
  readonly faults: readonly string[];
  /** The lines of the message: the first faults, and how many more there are. */
  readonly lines: readonly string[];

  /** @param faults one fault, or all faults of a file */
  constructor(faults: string | readonly string[]) {
    const all = typeof faults === 'string' ? [faults] : faults;
    const lines = faultLines(all);
    super(lines.join('\n'));
    this.faults = all;
    this.lines = lines;
  }
}
