export { mountAdmin, type ExpressApp } from './server/admin/mountExpress.js';
