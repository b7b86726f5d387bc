/** The default of `--max-wait`, in seconds. Longer than the longest window of the limits, so that a command can wait for it. */
export const MAX_WAIT = 90;

/** The options of a command that sends requests. */
export interface ApiOptions {
  readonly url?: string;
  readonly keyStdin?: true;
  /**
   * The maximum wait for a response, in seconds. If it is not given, a command ends at once if its first connection is refused: usually
   * no server is running, or the address is wrong, and waiting would hide that.
   */
  readonly maxWait?: number;
}
