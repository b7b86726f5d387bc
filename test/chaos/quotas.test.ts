import { testKills } from './quotaTrial.js';

testKills(() => ({}));
