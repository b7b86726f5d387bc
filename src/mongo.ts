export { openMongoStore, type MongoOptions } from './store/mongo/open.js';
