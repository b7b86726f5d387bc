export { mountAdmin, type FastifyApp } from './server/admin/mountFastify.js';
