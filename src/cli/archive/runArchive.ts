import { archiveLog, BrokenLog, type ArchiveResult } from '../../management/audit/archive/archiveLog.js';
import { BrokenArchive } from '../../management/audit/archive/readArchive.js';
import { parseMoment } from '../../shared/dates/moments.js';
import { readSettings, SettingsError } from '../../server/settings/settings.js';
import { SYSTEM } from '../../core/store/audit.js';
import { describeStore, openStore } from '../../core/store/open.js';
import { FileFault, fileFaultOf, isOfSystem } from '../../shared/files/wholeFile.js';
import { EXIT, Failure, usage } from '../exit.js';
import { pastMomentOf } from '../times.js';

/** The minimum age of entries, in ms. Newer heads may not be copied yet, and a paused process may still add entries. */
const MIN_AGE = 60 * 60_000;

export interface ArchiveRun {
  /** As on the command line. */
  readonly before: string;
  readonly path: string;
  readonly workspaceId: string;
}

/**
 * Archives entries of the store in the settings, with or without a running server.
 *
 * @throws Failure
 */
export async function runArchive(run: ArchiveRun, progress: (entries: number) => void): Promise<ArchiveResult> {
  const before = momentIn(run.before, Date.now());
  try {
    return await archive(run, before, progress);
  } catch (error) {
    if (error instanceof SettingsError) throw usage(error.lines);
    if (error instanceof BrokenLog) throw new Failure(EXIT.failed, 'BROKEN_LOG', error.message);
    if (error instanceof BrokenArchive)
      throw new Failure(EXIT.failed, 'BROKEN_ARCHIVE', `--to: ${run.path} ${error.message}. ${error.remedy}`);
    const fault = isOfSystem(error) && error.syscall !== undefined ? fileFaultOf(error) : error;
    if (fault instanceof FileFault) throw usage(`--to: ${run.path} ${fault.message}. ${fault.remedy}`);
    throw error;
  }
}

async function archive(
  { path, workspaceId }: ArchiveRun,
  before: number,
  progress: (entries: number) => void,
): Promise<ArchiveResult> {
  const settings = readSettings();
  // An empty installation has nothing to archive.
  const { missingDirectory } = describeStore(settings);
  if (missingDirectory !== null) {
    throw usage(`There is no ${missingDirectory}. Set DATA_DIR to where the server has its store.`);
  }
  const store = await openStore(settings);
  try {
    if ((await store.workspaces.find(workspaceId)) === null) {
      throw usage(`There is no workspace ${workspaceId}. Correct --workspace.`);
    }
    const { audit } = store;
    return await archiveLog({ audit, workspaceId, before, path, author: SYSTEM, now: Date.now, progress });
  } finally {
    await store.close();
  }
}

function momentIn(text: string, now: number): number {
  const at = parseMoment(pastMomentOf('--before', text, now)) ?? NaN;
  if (at <= now - MIN_AGE) return at;
  throw usage('--before: entries have to be at least an hour old. Give an earlier time, such as 365d.');
}
