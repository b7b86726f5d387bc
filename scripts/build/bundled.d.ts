import type { Plugin } from 'rolldown';

export function notingBundled(name: string): Plugin;
