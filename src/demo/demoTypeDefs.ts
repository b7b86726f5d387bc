import { readFileSync } from 'node:fs';
import { parse, type DocumentNode } from 'graphql';
import { packageFile } from '../packageFiles.js';

/** Returns the types of the built-in domain, and the root fields that it adds. */
export function demoTypeDefs(): DocumentNode {
  return parse(readFileSync(packageFile('src/demo/schema.graphql'), 'utf8'), { noLocation: true });
}
