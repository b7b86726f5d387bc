import { operation } from '../../typedOperation.js';
import { PARTS, type Balance, type Limit, type Quota } from '../limitLines.js';
import { OVERRIDE, type Override } from './override.js';

/** The types of subjects, as the API has them. */
export const SUBJECTS: readonly string[] = ['API_KEY', 'USER', 'EXTERNAL_ID', 'PROJECT', 'WORKSPACE'];

/** Describes the argument that names a subject, in the help. */
export const SUBJECT_ID = 'ID of the key, user, project or workspace, the external ID, or an ID from limits list';

/** The limits of one subject. */
export interface SubjectLimits {
  readonly type: string;
  readonly id: string;
  readonly workspaceId: string;
  readonly tier: string;
  /** null if its keys share no such limit. */
  readonly rate: Limit | null;
  readonly burst: Limit | null;
  readonly quotas: readonly Quota[];
  readonly credits: Balance | null;
  readonly override: Override | null;
}

interface SubjectVariables {
  readonly subject: { readonly type: string; readonly id: string; readonly workspaceId?: string };
}

/** Reads the limits of a subject. */
export const LIMITS_OF = operation<{ readonly limitsOf: SubjectLimits | null }, SubjectVariables>(
  `query LimitsOf($subject: LimitSubjectInput!) {
    limitsOf(subject: $subject) {
      type id workspaceId tier
      rate { ...Room } burst { ...Room }
      quotas { ...Quota }
      credits { ...Credits }
      override { ...Override }
    }
  }`,
  PARTS,
  OVERRIDE,
);
