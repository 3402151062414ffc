// Kills of any process at any moment of any operation. Afterwards the data is completely the old or completely the new; the reported
// outcome is true; the next operation can begin; and nothing is left behind.
//
//   KILLS=300   number of kills (default: a sample)

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning, signal, temporaryDirectory } from './support/cleanup.mjs';
import { Lane, dropAll, fingerprint, leftovers, startByCli, startByHttp } from './support/kill_lane.mjs';
import { startRequest } from './support/http.mjs';
import { Random } from './support/random.mjs';
import { until } from './support/run.mjs';
import { Service, children, haveBinary, isSanitized } from './support/service.mjs';

const COUNT = Number(process.env.KILLS ?? (isSanitized ? 4 : 8));
const SEED = Number(process.env.KILLS_SEED ?? Date.now() % 1_000_000_000);
const LANES = 2;

const importArgs = (...flags) => (archive) => ['import', '--json', '--yes', ...flags, archive];
const operations = [
  { name: 'an overwrite by swap', args: importArgs('--overwrite', '--method', 'swap'), fields: { cleanFirst: 'true', method: 'swap' } },
  {
    name: 'an undo',
    async prepare(lane, database, own) {
      const { code, stderr } = await lane.startCli(importArgs('--overwrite', '--method', 'swap')(lane.archive), database, own).ended;
      assert.equal(code, 0, stderr);
    },
    args: () => ['import', '--json', '--yes', '--undo'],
    request: (service) => startRequest(service, 'POST', '/api/admin/database/import:undo'),
  },
  { name: 'an overwrite by transaction', args: importArgs('--overwrite', '--method', 'transaction'), fields: { cleanFirst: 'true', method: 'transaction' } },
  { name: 'a merge', args: importArgs(), fields: { cleanFirst: 'false' } },
  { name: 'an export', isExport: true, args: (_, output) => ['export', output] },
];

// The victims of kills. Each function may return another that restores its victim.
const victims = {
  'the program, by SIGKILL': ({ running }) => signal(running.pid, 'SIGKILL'),
  'the program, by SIGTERM': ({ running }) => signal(running.pid, 'SIGTERM'),
  'PostgreSQL, by an immediate shutdown': async ({ lane }) => {
    await lane.server.stop('SIGQUIT');
    return () => lane.server.start();
  },
  // From another database, because this one may be in the middle of a rename.
  'one of our backends': ({ lane }) =>
    lane.admin.exec(`SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'cch-data%' ORDER BY random() LIMIT 1) AS one`),
  'the connections to PostgreSQL': ({ lane }) => lane.proxy.cut(),
  Redis: ({ lane }) => {
    if (!lane.redis) return undefined;
    signal(lane.redis.pid, 'SIGKILL');
    return () => lane.redis.start();
  },
};

const files = () => ({ tempDir: temporaryDirectory('tmp', 0o700), dataDir: temporaryDirectory('data') });

// Starts an operation; `service` is the service that runs it, or null.
async function start(lane, operation, by, database, own, byProxy) {
  const service = by === 'HTTP' ? await lane.startService(database, own, byProxy) : null;
  const started = Date.now();
  const running = service ? startByHttp(lane, operation, service) : startByCli(lane, operation, database, own, byProxy);
  return { own, service, running, started };
}

// { lengthMs, outcome } of an operation without a kill: its duration, and the fingerprint of the database afterwards. All lanes
// have the same data, so one run is enough.
const rehearsals = new Map();
function rehearsed(lane, operation, by) {
  const key = `${operation.name} by ${by}`;
  if (!rehearsals.has(key)) rehearsals.set(key, rehearse(lane, operation, by));
  return rehearsals.get(key);
}

async function rehearse(lane, operation, by) {
  const database = await lane.target();
  const own = files();
  await operation.prepare?.(lane, database, own);
  const { service, running, started } = await start(lane, operation, by, database, own, false);
  assert.equal(await running.ended, 'complete', `${operation.name} by ${by}, undisturbed`);
  const lengthMs = Date.now() - started;
  const outcome = await fingerprint(database);
  await service?.stop();
  await dropAll(lane, database);
  return { lengthMs, outcome };
}

// Runs an export, which needs the lock. The death of the previous holder may be noticed with a delay.
async function assertLockIsFree(lane, database, own) {
  const tried = [];
  await until('the lock', async () => {
    const ended = await lane.startCli(['export', '-'], database, own).ended;
    tried.push(`${ended.code}: ${ended.stderr.slice(-300)}`);
    return ended.code === 0;
  }, 20_000).catch((error) => assert.fail(`${error.message}\n${tried.at(-1)}`));
}

async function kill(lane, { operation, by, victim, part }) {
  const { lengthMs, outcome } = await rehearsed(lane, operation, by);
  const database = await lane.target();
  const byProxy = victim === 'the connections to PostgreSQL';
  const own = files();
  await operation.prepare?.(lane, database, own);
  const before = await fingerprint(database);
  const { service, running, started } = await start(lane, operation, by, database, own, byProxy);
  await delay(Math.max(0, started + part * lengthMs - Date.now()));

  const family = children(running.pid).map(({ pid }) => pid);
  const bringBack = await victims[victim]({ lane, database, running });
  const told = await Promise.race([running.ended, delay(60_000, 'nothing in a minute', { ref: false })]);
  assert.notEqual(told, 'nothing in a minute');
  await bringBack?.();
  await until('the end of its children', () => isRunning(running.pid) || !family.some(isRunning), 15_000);

  await assertLockIsFree(lane, database, own);
  const next = service && isRunning(service.pid) ? service : await lane.startService(database, own);
  let left;
  await until('nothing left', async () => (left = await leftovers(lane, database, next)).length === 0, 15_000, 100)
    .catch((error) => assert.fail(`${error.message}: ${left.join(', ')}`));

  const now = await fingerprint(database);
  const found = now === before ? 'old' : now === outcome ? 'new' : 'neither';
  assert.notEqual(found, 'neither', 'the data is neither the old nor the new');
  if (told === 'complete') assert.equal(now, outcome, 'it told of a success that was none');
  else if (told !== null && told !== 'import.outcome_unknown') assert.equal(now, before, `it told of ${told}, but it was done`);
  await next.stop();
  await dropAll(lane, database);
  return found;
}

describe('killed at a random moment:', { skip: !haveBinary && 'no binary' }, () => {
  const r = new Random(SEED);
  const combinations = operations.flatMap((operation) =>
    Object.keys(victims).flatMap((victim) => ['HTTP', 'command line'].map((by) => ({ operation, victim, by }))));
  const plan = [];
  while (plan.length < COUNT) plan.push(...r.shuffle(combinations).map((one) => ({ ...one, part: r.next() * 1.05 })));
  const lanes = [];
  const counts = {};

  before(async () => {
    while (lanes.length < LANES) lanes.push(await Lane.start(lanes[0]));
  });

  describe('lanes', { concurrency: LANES }, () => {
    for (let i = 0; i < LANES; i++) {
      describe(`lane ${i}`, { concurrency: 1 }, () => {
        for (const one of plan.slice(0, COUNT).filter((_, n) => n % LANES === i)) {
          test(`${one.victim}, in ${one.operation.name} by ${one.by}, at ${Math.round(one.part * 100)}%`, async () => {
            const found = await kill(lanes[i], one);
            counts[`${one.operation.name}: ${found}`] = (counts[`${one.operation.name}: ${found}`] ?? 0) + 1;
          });
        }
      });
    }
  });

  test('counts', (t) => t.diagnostic(`seed ${SEED}: ${JSON.stringify(counts)}`));
});
