/**
 * Carries messages from the process that publishes them to all others on the same store: at most once each, and not at
 * all while what carries them is away; after that listeners are told that they may have missed some. Nothing may depend on a
 * message.
 */
export interface Feed<Message> {
  /** To be called after what it tells of. Neither waits nor throws. */
  publish(message: Message): void;
  /** @param listener gets the messages of other processes; null when some may have been missed */
  subscribe(listener: (message: Message | null) => void): void;
}
