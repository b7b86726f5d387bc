// Lists the bundled packages: dist/THIRD-PARTY-LICENSES.txt for people, and dist/bundled.cdx.json, a software bill of
// materials (CycloneDX 1.5), for audits, which can't see bundled packages otherwise. The last step of the build.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { noted } from './bundled.js';
import { BUILD, DIST, manifest } from './paths.js';

const LICENCE_FILE = /^(licen[cs]e|copying|notice)([-.].*)?$/i;

const packages = new Map();
for (const file of readdirSync(`${BUILD}bundled`)) {
  for (const directory of noted(file.replace(/\.json$/, ''))) {
    const { name, version, author, ...declared } = JSON.parse(readFileSync(`${directory}/package.json`, 'utf8'));
    // Packages from before 2015 have a list of objects.
    const license = declared.license ?? declared.licenses?.[0]?.type;
    if (typeof license !== 'string') throw new Error(`${name} ${version} names no licence: it cannot be bundled.`);
    packages.set(`${name}@${version}`, { name, version, license, author, directory });
  }
}
const sorted = [...packages].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);

const bill = {
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  version: 1,
  metadata: { component: { type: 'application', name: manifest.name, version: manifest.version } },
  components: sorted.map(({ name, version, license }) => ({
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    licenses: [{ expression: license }],
  })),
};
writeFileSync(`${DIST}bundled.cdx.json`, `${JSON.stringify(bill, null, 1)}\n`);

const sections = sorted.map((each) => `${each.name} ${each.version} (${each.license})\n\n${textOf(each)}\n`);
const head = 'Latchkey uses the packages below, and its files contain parts of them.\n';
writeFileSync(`${DIST}THIRD-PARTY-LICENSES.txt`, [head, ...sections].join(`\n${'-'.repeat(80)}\n\n`));

/** Some packages don't contain the text of their licence. Then only their authors are listed. */
function textOf({ directory, author }) {
  const files = readdirSync(directory).filter((file) => LICENCE_FILE.test(file));
  if (files.length === 0) return `Copyright ${(typeof author === 'object' ? author?.name : author) ?? 'its authors'}`;
  return files.map((file) => readFileSync(`${directory}/${file}`, 'utf8').trim()).join('\n\n');
}
