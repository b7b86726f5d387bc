import { serveWithWorkers } from '../../src/cluster/primary.js';
import { Limiter } from '../../src/limits/limiter.js';
import { readSettings } from '../../src/settings/settings.js';

/** `npm start -- --workers 3` on a clock that stands still: nothing that was used comes back, however slow the machine. */
await serveWithWorkers(readSettings(), 3, new Limiter({ clock: () => 0 }));
