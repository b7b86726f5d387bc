import { byHand } from '../../jest.byHand.js';

export default byHand('scale');
