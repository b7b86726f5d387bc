export { openMongoStore, type MongoOptions } from './core/store/mongo/open.js';
