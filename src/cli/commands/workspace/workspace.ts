import { shortMoment } from '../../times.js';

export interface Workspace {
  readonly id: string;
  readonly name: string;
  readonly tier: string;
  readonly createdAt: string;
}

export const WORKSPACE = 'fragment Workspace on Workspace { id name tier createdAt }';

export function linesOf({ id, name, tier, createdAt }: Workspace): [string, string][] {
  return [
    ['Id', id],
    ['Name', name],
    ['Tier', tier],
    ['Created', shortMoment(createdAt)],
  ];
}
