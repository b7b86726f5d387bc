import { existsSync } from 'node:fs';

const MODULE = new URL('../../dist/redis/limits.js', import.meta.url);

/** Whether the build under measurement counts limits in Redis. */
export function hasRedisLimits() {
  return existsSync(MODULE);
}

/** @param {string} url @param {(tier: string) => import('../../dist/limits/tiers.js').TierLimits} limitsOf */
export async function openRedisLimits(url, limitsOf) {
  const { RedisLimits } = await import(MODULE.href);
  return new RedisLimits({ url, limitsOf });
}
