export { mountAdmin, type FastifyApp } from './server/admin/mountFastify.js';
export type { Admin } from './server/admin/createAdmin.js';
export type { AdminOptions } from './server/admin/adminOptions.js';
