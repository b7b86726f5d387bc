import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT } from '../support/project.js';

/** An empty project with the packed tarball installed, like a user's project. */
export class Installed {
  readonly directory = mkdtempSync(join(tmpdir(), 'latchkey-package-'));
  /** Paths in the tarball. */
  readonly packed: readonly string[];

  constructor() {
    const pack = this.#npm(['pack', '--ignore-scripts', '--json', '--pack-destination', this.directory], PROJECT);
    const [{ filename, files }] = JSON.parse(pack) as [{ filename: string; files: { path: string }[] }];
    this.packed = files.map(({ path }) => path);
    writeFileSync(this.path('package.json'), JSON.stringify({ name: 'own', private: true, type: 'module' }));
    this.install(`./${filename}`);
  }

  install(...packages: readonly string[]): void {
    this.#npm([
      'install',
      '--omit=dev',
      '--ignore-scripts',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      ...packages,
    ]);
  }

  path(...parts: readonly string[]): string {
    return join(this.directory, ...parts);
  }

  write(name: string, text: string): string {
    const file = this.path(name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** The size of node_modules: the bytes of all files, and the bytes of their disk blocks. */
  size(): { readonly bytes: number; readonly onDisk: number } {
    const sum = { bytes: 0, onDisk: 0 };
    for (const entry of readdirSync(this.path('node_modules'), { recursive: true, withFileTypes: true })) {
      if (entry.isSymbolicLink()) continue;
      const { size, blocks } = statSync(join(entry.parentPath, entry.name));
      if (entry.isFile()) sum.bytes += size;
      sum.onDisk += blocks * 512;
    }
    return sum;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #npm(args: readonly string[], cwd = this.directory): string {
    const options = { cwd, encoding: 'utf8', timeout: 200_000, maxBuffer: 2 ** 26 } as const;
    const { status, stdout, stderr } = spawnSync('npm', args, options);
    if (status !== 0) throw new Error(`npm ${args.join(' ')} ended with ${String(status)}:\n${stdout}${stderr}`);
    return stdout;
  }
}
