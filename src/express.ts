export { mountAdmin, type ExpressApp } from './server/admin/mountExpress.js';
export type { Admin } from './server/admin/createAdmin.js';
export type { AdminOptions } from './server/admin/adminOptions.js';
