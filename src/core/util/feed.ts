/**
 * Sends messages to all other processes on the same store. Each message is delivered at most once. While the connection is
 * broken, messages are lost. Afterwards, listeners learn that they may have missed some. Therefore, nothing may depend on a message.
 */
export interface Feed<Message> {
  /** Publishes a message. Call it after the change that the message describes. Never waits or throws. */
  publish(message: Message): void;
  /** Adds a listener. @param listener receives messages of other processes; null if some may have been missed */
  subscribe(listener: (message: Message | null) => void): void;
}
