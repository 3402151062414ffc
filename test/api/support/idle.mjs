// Checks that an operation has left nothing behind, whatever its outcome.

import { until } from './run.mjs';

// Waits until the service no longer holds a file, child, backend or lock. `redis` may be absent.
export async function assertIdle(service, database, { redis, withinMs = 5000 } = {}) {
  const left = async () => {
    const found = [];
    if (service) {
      found.push(...service.tempFiles(), ...service.children().map((child) => `${child.name} (${child.pid})`));
    }
    for (const [pid, name, state, query] of await database.backends()) found.push(`backend ${pid} ${name} ${state}: ${query}`);
    const locks = await database.rows(`SELECT objid FROM pg_locks WHERE locktype = 'advisory'`);
    found.push(...locks.map(([id]) => `advisory lock ${id}`));
    if (redis) {
      const value = await redis.command('GET', 'database:backup:lock');
      if (value !== null) found.push(`Redis lock ${value}`);
    }
    return found;
  };
  let last = [];
  await until('nothing left', async () => (last = await left()).length === 0, withinMs, 50).catch(() => {
    throw new Error(`after ${withinMs} ms still there: ${last.join(', ')}`);
  });
}
