import useMemory from './memoryFiles.mjs';
import limitProperties from './selectedFiles.mjs';

/**
 * Jest's global setup, which runs before the first test file.
 *
 * @param {import('@jest/types').Config.GlobalConfig} config
 */
export default function setup(config) {
  useMemory();
  limitProperties(config);
}
