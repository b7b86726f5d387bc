// Runs one of the examples: node examples/apollo/run.js express5
import { once } from 'node:events';
import { openShop } from './shop.js';

const [name = 'express5'] = process.argv.slice(2);
const { start } = await import(`./${name}.js`);
const shop = await openShop(process.env.DATA_DIR ?? './data');
const server = await start(shop, Number(process.env.PORT ?? 4001));
if (!server.listening) await once(server, 'listening');
console.log(`Listening at http://127.0.0.1:${server.address().port}/graphql`);
