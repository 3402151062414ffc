// Batches: 500 users, keys and providers in one request, compared with the same work row by row: a SELECT … FOR UPDATE and an UPDATE
// for each row, in one transaction each or in a common one (by psql, whose statements need no driver). Requests keep their
// connection, like a page in a browser; psql's connection is also set up before its clock starts.

import assert from 'node:assert/strict';
import { Agent, request as startRequest } from 'node:http';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Database } from '../api/support/database.mjs';
import { startRedis } from '../api/support/servers.mjs';
import { Service, adminToken, cli } from '../api/support/service.mjs';
import { runOk } from '../api/support/run.mjs';
import { alternate, median } from './support/measure.mjs';
import { ratio, table } from './support/report.mjs';

const COUNT = 500;
const FIRST = 100001; // ids of the rows that are changed
const RUNS_A_ROUND = 7; // a batch takes milliseconds; --runs 1 is for a look at whether it works

const fill = `
INSERT INTO users (id, name, tags) SELECT ${FIRST} + i, 'user ' || i, '[]' FROM generate_series(0, ${COUNT - 1}) AS i;
INSERT INTO keys (id, user_id, key, name) SELECT ${FIRST} + i, ${FIRST} + i, 'sk-' || md5(i::text), 'key ' || i FROM generate_series(0, ${COUNT - 1}) AS i;
INSERT INTO providers (id, name, url, key) SELECT ${FIRST} + i, 'provider ' || i, 'https://example.com/' || i, 'k' || i FROM generate_series(0, ${COUNT - 1}) AS i;
`;

// `values(n)`: the values of the n-th run, so that each run changes all rows. `columns`: their names in the table.
const cases = {
  users: {
    ids: 'userIds', values: (n) => ({ rpm: n, dailyQuota: n, limit5hUsd: n, limitMonthlyUsd: n }),
    columns: { rpm: 'rpm_limit', dailyQuota: 'daily_limit_usd', limit5hUsd: 'limit_5h_usd', limitMonthlyUsd: 'limit_monthly_usd' },
  },
  keys: {
    ids: 'keyIds', values: (n) => ({ limitDailyUsd: n, limit5hUsd: n, limitWeeklyUsd: n, canLoginWebUi: n % 2 === 0 }),
    columns: { limitDailyUsd: 'limit_daily_usd', limit5hUsd: 'limit_5h_usd', limitWeeklyUsd: 'limit_weekly_usd', canLoginWebUi: 'can_login_web_ui' },
  },
  providers: {
    ids: 'providerIds', values: (n) => ({ priority: n, weight: 1 + (n % 100), cost_multiplier: n }),
    columns: { priority: 'priority', weight: 'weight', cost_multiplier: 'cost_multiplier' },
  },
};

const ids = Array.from({ length: COUNT }, (_, i) => FIRST + i);

function statements(entity, columns, values) {
  const set = Object.entries(values).map(([name, value]) => `${columns[name]} = ${value}`).join(', ');
  return (id) => `SELECT id FROM public.${entity} WHERE id = ${id} AND deleted_at IS NULL FOR UPDATE;\n` +
    `UPDATE public.${entity} SET ${set}, updated_at = now() WHERE id = ${id};\n`;
}

function post(agent, service, target, body) {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const started = process.hrtime.bigint();
    const call = startRequest({
      agent, host: '127.0.0.1', port: service.port, method: 'POST', path: target,
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
    }, (reply) => {
      const chunks = [];
      reply.on('data', (chunk) => chunks.push(chunk));
      reply.on('end', () => resolve({
        seconds: Number(process.hrtime.bigint() - started) / 1e9, status: reply.statusCode, body: JSON.parse(Buffer.concat(chunks)),
      }));
    });
    call.on('error', reject);
    call.end(text);
  });
}

export async function run(bench) {
  const { server, directory, log } = bench;
  const runs = bench.runs === 1 ? 1 : bench.runs * RUNS_A_ROUND;
  const database = await Database.create(server);
  assert.equal((await cli(['migrate', '--hub-tables'], { dsn: database.dsn })).code, 0);
  await database.exec(fill);
  const redis = await startRedis();
  const service = await Service.start({ dsn: database.dsn, redisUrl: redis.url, tempDir: directory });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const file = path.join(directory, 'rows.sql');
  let n = 0;

  const check = async (entity, { columns, values }, number) => {
    const wrong = Object.entries(values(number)).map(([name, value]) => `${columns[name]} IS DISTINCT FROM ${value}`).join(' OR ');
    assert.equal(await database.value(`SELECT count(*) FROM public.${entity} WHERE id >= ${FIRST} AND (${wrong})`), '0');
  };
  const batchWay = (entity, what) => ({
    name: `${entity}, batch`,
    async run() {
      const number = (n++ % 1000) + 1;
      const reply = await post(agent, service, `/api/v1/${entity}:batchUpdate`, { [what.ids]: ids, updates: what.values(number) });
      assert.deepEqual([reply.status, reply.body.updatedCount, reply.body.cacheNotified], [200, COUNT, true], JSON.stringify(reply.body).slice(0, 500));
      await check(entity, what, number);
      return reply;
    },
  });
  const rowsWay = (entity, what, isOne) => ({
    name: `${entity}, row by row, ${isOne ? 'in one transaction' : 'a transaction each'}`,
    async run() {
      const number = (n++ % 1000) + 1;
      const statement = statements(entity, what.columns, what.values(number));
      const each = ids.map((id) => (isOne ? statement(id) : `BEGIN;\n${statement(id)}COMMIT;\n`)).join('');
      const now = "SELECT 'at ' || extract(epoch FROM clock_timestamp());\n";
      writeFileSync(file, `${now}${isOne ? `BEGIN;\n${each}COMMIT;\n` : each}${now}`);
      const { stdout } = await runOk('psql', ['-X', '-q', '-A', '-t', '-f', file], { env: database.env });
      const [from, to] = [...stdout.matchAll(/^at ([\d.]+)$/gm)].map((match) => Number(match[1]));
      await check(entity, what, number);
      return { seconds: to - from };
    },
  });

  const rows = [];
  const ms = (value) => `${value.toFixed(1)} ms`;
  for (const [entity, what] of Object.entries(cases)) {
    const ways = [batchWay(entity, what), rowsWay(entity, what, true), rowsWay(entity, what, false)];
    await ways[0].run();
    await database.exec('VACUUM ANALYZE; CHECKPOINT');
    const results = await alternate(ways, runs, log);
    const [batch, one, each] = ways.map((way) => median(results.get(way).map((result) => result.seconds)) * 1000);
    rows.push([`${COUNT} ${entity}`, ms(batch), ms(one), ratio(one / batch), ms(each), ratio(each / batch)]);
  }
  agent.destroy();
  await service.stop();
  rmSync(file, { force: true });
  return `${runs} runs of each.\n\n` +
    table(['', 'batch', 'row by row, one transaction', 'times as fast', 'row by row, a transaction each', 'times as fast'], rows);
}
