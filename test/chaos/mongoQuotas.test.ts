import { Closing } from './closing.js';
import { theEngine, type Engine } from './engine.js';
import { testKills } from './quotaTrial.js';

const closing = new Closing();
let engine: Engine;
beforeAll(async () => {
  engine = await theEngine();
  closing.add(() => engine.drop());
});
afterAll(() => closing.close());

testKills(() => ({ engine: engine.uri }));
