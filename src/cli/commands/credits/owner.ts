/** The subjects that share a balance, as the API has them. */
export const SUBJECTS: readonly string[] = ['KEY', 'OWNER', 'PROJECT', 'WORKSPACE'];

/** Describes the argument that names a subject, in the help. */
export const SUBJECT_ID = 'ID of the key, user, project or workspace, or the external ID of an owner';

/** Returns the type of a subject of limits. Each ID of a user begins with usr_. */
export function typeOf(subject: string, id: string): string {
  if (subject === 'KEY') return 'API_KEY';
  if (subject !== 'OWNER') return subject;
  return id.startsWith('usr_') ? 'USER' : 'EXTERNAL_ID';
}
