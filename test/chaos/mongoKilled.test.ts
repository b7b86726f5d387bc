import { setTimeout as delay } from 'node:timers/promises';
import { startRedis, type TestRedis } from '../support/redis.js';
import { theEngine, type Engine } from './engine.js';
import { Closing } from './closing.js';
import { Fleet } from './fleet.js';
import { goThrough } from './trial.js';

const TIMES = Number(process.env.LATCHKEY_TEST_TIMES ?? 5);

const closing = new Closing();
let engine: Engine;
let redis: TestRedis;
let fleet: Fleet;
beforeAll(async () => {
  engine = await theEngine();
  closing.add(() => engine.drop());
  redis = await startRedis();
  closing.add(() => redis.stop());
  fleet = await Fleet.start({ engine: engine.uri, redis: redis.port });
  closing.add(() => fleet.close());
});
afterAll(() => closing.close());

test.each(Array.from({ length: TIMES }, (_, i) => i + 1))(
  'X10: MongoDB is killed and starts again, time %i',
  async () => {
    const { large } = await goThrough(fleet, async () => {
      await engine.kill();
      await delay(500);
      await engine.start();
    });
    expect(large.length).toBeGreaterThan(0);
  },
);
