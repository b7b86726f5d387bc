import type { AuditStore } from '../../../core/store/auditStore.js';
import { hashOf } from '../../../core/store/audit.js';
import type { HeadsFile } from './headsFile.js';
import type { WorkspaceHead } from './headLine.js';
import type { HeadsWebhook } from './webhook.js';

/** The interval in which heads are copied, in ms. */
const INTERVAL = 60_000;
/** The number of heads in one read of the store. */
const PAGE = 1_000;
/** How long the last request to a receiver may take while the server stops, in ms. */
const LAST_SEND = 2_000;

interface HeadCopiesOptions {
  readonly audit: Pick<AuditStore, 'heads' | 'read' | 'base'>;
  readonly file: HeadsFile | null;
  readonly webhook: HeadsWebhook | null;
  /** Called with a message if a log no longer contains an entry whose head was copied. */
  readonly complain: (message: string) => void;
  /** Called with a message if a copy could not be written or sent. */
  readonly warn: (message: string) => void;
  readonly now: () => number;
}

type Fault = 'missing' | 'altered';

/**
 * Copies the changed heads of all audit logs to a file and a webhook once a minute, so that someone with write access
 * to the database cannot replace a log without detection. Each head is compared with its previous copy. If a log no
 * longer contains the copied head, its new head is not copied, because the copy is the evidence. No request waits for
 * this.
 */
export class HeadCopies {
  readonly #options: HeadCopiesOptions;
  /** The newest known head of each workspace, from the file or copied by this process. */
  readonly #known = new Map<string, WorkspaceHead>();
  /** Workspaces whose faulty log was already reported. */
  readonly #faulty = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  readonly #closing = new AbortController();
  #round: Promise<void> | null = null;
  #sending: Promise<void> = Promise.resolve();
  #isSending = false;
  #warned = 0;

  private constructor(options: HeadCopiesOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.copy(), INTERVAL).unref();
  }

  /** Compares the logs with the copies in the file, and copies their heads. @throws Error if the file cannot be used */
  static async open(options: HeadCopiesOptions): Promise<HeadCopies> {
    const copies = new HeadCopies(options);
    try {
      // Reports a file that cannot be written now, even if there is nothing to write yet.
      await options.file?.create();
      await copies.#compareAndCopy();
    } catch (error) {
      clearInterval(copies.#timer);
      throw error;
    }
    return copies;
  }

  /** Resolves when the current heads are in the file, or could not be written. Requests to the webhook continue. */
  async copy(): Promise<void> {
    this.#round ??= this.#compareAndCopy()
      .catch((error: unknown) =>
        this.#options.warn(`Audit heads were not copied: ${reasonOf(error)}. Trying again in a minute.`),
      )
      .finally(() => (this.#round = null));
    await this.#round;
  }

  /** Resolves when nothing is being sent. */
  async sent(): Promise<void> {
    await this.#sending;
  }

  /** Copies once more and stops. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#round;
    await this.copy();
    const timer = setTimeout(() => this.#closing.abort(), LAST_SEND);
    await this.#sending;
    clearTimeout(timer);
  }

  async #compareAndCopy(): Promise<void> {
    const { file, webhook, complain, warn, now } = this.#options;
    await file?.read();
    for (const head of file?.newest.values() ?? []) this.#know(head);
    if (file !== null && file.unreadable > this.#warned) {
      warn(`${file.path} has ${file.unreadable} lines that are not heads of audit logs. They are ignored.`);
      this.#warned = file.unreadable;
    }
    const missing = new Set(this.#known.keys());
    const toSend: WorkspaceHead[] = [];
    let after = '';
    for (;;) {
      const page = await this.#options.audit.heads(after, PAGE);
      const sound: WorkspaceHead[] = [];
      for (const head of page) {
        missing.delete(head.workspaceId);
        const fault = await this.#faultOf(head);
        if (fault === null) sound.push(head);
        else this.#tell(head.workspaceId, fault, complain);
      }
      await file?.append(
        sound.filter(({ workspaceId, seq }) => (file.newest.get(workspaceId)?.seq ?? 0) < seq),
        now(),
      );
      for (const head of sound) this.#know(head);
      if (webhook !== null) toSend.push(...sound.filter((head) => webhook.lacks(head)));
      after = page.at(-1)?.workspaceId ?? '';
      if (page.length < PAGE) break;
    }
    for (const workspaceId of missing) this.#tell(workspaceId, 'missing', complain);
    if (webhook !== null && toSend.length > 0) this.#send(webhook, toSend);
  }

  /** Compares a head of the store with its previous copy. */
  async #faultOf(head: WorkspaceHead): Promise<Fault | null> {
    const copy = this.#known.get(head.workspaceId);
    if (copy === undefined) return null;
    if (head.seq < copy.seq) return 'missing';
    if (head.seq === copy.seq) return head.hash === copy.hash ? null : 'altered';
    const [entry] = await this.#options.audit.read(head.workspaceId, copy.seq - 1, 1);
    if (entry?.seq !== copy.seq) {
      // Only old entries are archived, so the newest copy is not older than the last archived entry.
      const base = await this.#options.audit.base(head.workspaceId);
      return base?.seq === copy.seq && base.hash === copy.hash ? null : 'missing';
    }
    return entry.hash === copy.hash && hashOf(entry) === copy.hash ? null : 'altered';
  }

  #tell(workspaceId: string, fault: Fault, complain: (message: string) => void): void {
    if (this.#faulty.has(workspaceId)) return;
    this.#faulty.add(workspaceId);
    const seq = this.#known.get(workspaceId)?.seq ?? 0;
    complain(
      `The audit log of the workspace ${workspaceId} was changed outside of Latchkey: entry ${seq}, whose head was copied elsewhere, is ${fault}. Keep that copy, and compare it with \`latchkey audit verify --heads <file>\`.`,
    );
  }

  #know(head: WorkspaceHead): void {
    const before = this.#known.get(head.workspaceId);
    if (before === undefined || before.seq < head.seq) this.#known.set(head.workspaceId, head);
  }

  /** One round of requests at a time. Heads that are not sent now are sent in the next round. */
  #send(webhook: HeadsWebhook, heads: readonly WorkspaceHead[]): void {
    if (this.#isSending) return;
    this.#isSending = true;
    this.#sending = webhook
      .send(heads, this.#closing.signal)
      .catch((error: unknown) =>
        this.#options.warn(
          `Audit heads were not sent to AUDIT_HEADS_WEBHOOK: ${reasonOf(error)}. Trying again in a minute.`,
        ),
      )
      .finally(() => (this.#isSending = false));
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
