// Short requests over a connection that is kept, as a page keeps it, beside psql showing 50 users, which opens a connection each time.

import assert from 'node:assert/strict';
import { Agent, request as startRequest } from 'node:http';
import { adminToken } from '../api/support/service.mjs';
import { alternate, measure, median } from './support/measure.mjs';
import { ratio, table } from './support/report.mjs';

const RUNS_A_ROUND = 20; // a request takes milliseconds
const PAGE = 50;

const requests = {
  'database status': '/api/admin/database/status',
  [`${PAGE} users`]: `/api/v1/users?limit=${PAGE}`,
  [`${PAGE} keys`]: `/api/v1/keys?limit=${PAGE}`,
  [`${PAGE} providers`]: `/api/v1/providers?limit=${PAGE}`,
  [`${PAGE} prices`]: `/api/v1/model-prices?pageSize=${PAGE}`,
  [`${PAGE} entries of the audit log`]: `/api/v1/audit-log?limit=${PAGE}`,
  login: '/api/auth/login',
};

function send(agent, service, target) {
  const body = target.endsWith('login') ? JSON.stringify({ key: adminToken }) : undefined;
  return new Promise((resolve, reject) => {
    const started = process.hrtime.bigint();
    const call = startRequest({
      agent, host: '127.0.0.1', port: service.port, method: body ? 'POST' : 'GET', path: target,
      headers: { authorization: `Bearer ${adminToken}`, ...(body && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }) },
    }, (reply) => {
      reply.resume();
      reply.on('end', () => resolve({ seconds: Number(process.hrtime.bigint() - started) / 1e9, status: reply.statusCode }));
    });
    call.on('error', reject);
    call.end(body);
  });
}

export async function run(bench) {
  const { source, server } = bench;
  const service = await bench.startService(source);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ways = Object.entries(requests).map(([name, target]) => ({
    name,
    async run() {
      const reply = await send(agent, service, target);
      assert.equal(reply.status, 200, target);
      return reply;
    },
  }));
  const psql = {
    name: 'psql',
    run: () => measure('psql', ['-X', '-q', '-c', `SELECT * FROM public.users ORDER BY id DESC LIMIT ${PAGE}`], { env: source.env, server }),
  };
  for (const way of ways) await way.run();
  const results = await alternate([psql, ...ways], bench.runs * RUNS_A_ROUND, () => {});
  const of = (way) => median(results.get(way).map((result) => result.seconds)) * 1000;
  const rows = [psql, ...ways].map((way) => [way.name, `${of(way).toFixed(1)} ms`, ratio(of(psql) / of(way))]);
  agent.destroy();
  await service.stop();
  return `${bench.runs * RUNS_A_ROUND} runs of each.\n\n${table(['', 'median', 'times as fast as psql'], rows)}`;
}
