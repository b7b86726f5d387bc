import { importCommand } from '../../src/cli/commands/import.js';

await importCommand().parseAsync(process.argv);
