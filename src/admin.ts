export { createAdmin, type Admin } from './server/admin/createAdmin.js';
export type { AdminOptions } from './server/admin/adminOptions.js';
