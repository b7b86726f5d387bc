// `npm run dev`: the service from its sources, which starts again after each change, and the dashboard by Vite, which a page shows at
// once. Stop both with Ctrl+C.
import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const { PORT = '4000', DASHBOARD_PORT = '5173' } = process.env;

/** Several files change at once when an editor saves all or a branch is checked out. */
const QUIET = 50;

/** Parts of src/ that the service does not load. */
const NOT_OF_THE_SERVICE = /^(dashboard|client|cli)[/\\]/;

let service = null;
let isStopping = false;
let timer;

function start() {
  service = spawn(process.execPath, ['--import', './test/support/ts-loader.mjs', 'src/server/main.ts'], {
    cwd: ROOT,
    // A restart need not wait for a load balancer.
    env: { SHUTDOWN_DELAY: '0', ...process.env, PORT },
    stdio: 'inherit',
  });
  service.once('exit', (code, signal) => {
    service = null;
    if (isStopping) return;
    // A signal comes from a change. A service that fails waits for the next one.
    if (code === 0 || signal !== null) start();
    else console.error('The service ended. It starts again after the next change.');
  });
}

function restart() {
  if (service === null) start();
  else service.kill('SIGTERM');
}

function changed() {
  clearTimeout(timer);
  timer = setTimeout(restart, QUIET);
}

watch(`${ROOT}src`, { recursive: true }, (_, file) => {
  if (file?.endsWith('.ts') === true && !NOT_OF_THE_SERVICE.test(file)) changed();
});
watch(`${ROOT}schema.graphql`, changed);
start();
process.once('exit', () => service?.kill('SIGTERM'));

const origin = `http://127.0.0.1:${PORT}`;
const dashboard = await createServer({
  configFile: `${ROOT}src/dashboard/vite.config.ts`,
  server: {
    host: '127.0.0.1',
    port: Number(DASHBOARD_PORT),
    strictPort: true,
    // The page and the API must have the same origin, as in the service.
    proxy: { '/graphql': origin, '/admin': origin, '/dashboard/config.json': origin },
  },
});
try {
  await dashboard.listen();
} catch (error) {
  console.error(`The dashboard did not start: ${error.message}. Set DASHBOARD_PORT to another port.`);
  process.exit(1);
}
console.log(`Dashboard with hot reload: http://127.0.0.1:${DASHBOARD_PORT}/dashboard/`);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    isStopping = true;
    clearTimeout(timer);
    const ended = service === null ? null : new Promise((resolve) => service.once('exit', resolve));
    service?.kill('SIGTERM');
    await Promise.all([ended, dashboard.close()]);
    process.exit(0);
  });
}
