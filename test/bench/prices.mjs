// Price tables: uploads by curl, compared with the same work model by model, each statement in its own transaction, like the hub's
// own synchronisation (here by psql, whose statements need no driver and no comparison in JavaScript).

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Database } from '../api/support/database.mjs';
import { adminToken, cli } from '../api/support/service.mjs';
import { alternate, measure, median } from './support/measure.mjs';
import { milliseconds, ratio, table } from './support/report.mjs';

const SIZES = [2300, 5000];
const CASES = { 'first import': [null, 0], unchanged: [0, 0], '10 % changed': [0, 1] };

// About as large as LiteLLM's entries.
function makeModels(count, changed) {
  const model = (i) => ({
    input_cost_per_token: Number(`${(i % 97) + 1 + (changed && i % 10 === 0 ? 0.5 : 0)}e-7`), output_cost_per_token: Number(`${(i % 89) + 1}e-6`),
    cache_read_input_token_cost: Number(`${(i % 83) + 1}e-8`), litellm_provider: `provider-${i % 60}`, mode: 'chat',
    max_input_tokens: 128000 + i, max_output_tokens: 8192, max_tokens: 8192, supports_function_calling: true,
    supports_parallel_function_calling: true, supports_prompt_caching: i % 2 === 0, supports_response_schema: true,
    supports_system_messages: true, supports_tool_choice: true, supports_vision: i % 3 === 0,
    source: `https://example.com/pricing/models/${i}`,
  });
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`provider-${i % 60}/model-${i}`, model(i)]));
}

const quote = (text) => `'${text.replaceAll("'", "''")}'`;

// One SELECT for each model, and one INSERT for each that is new or differs.
function statements(models, old) {
  return Object.entries(models).map(([name, data]) => {
    const json = JSON.stringify(data);
    const select = `SELECT * FROM public.model_prices WHERE model_name = ${quote(name)} ORDER BY created_at DESC NULLS LAST, id DESC LIMIT 1;\n`;
    if (old && JSON.stringify(old[name]) === json) return select;
    return `${select}INSERT INTO public.model_prices (model_name, price_data, source) VALUES (${quote(name)}, ${quote(json)}, 'cloud');\n`;
  }).join('');
}

const current = `SELECT md5(string_agg(name || data, ',' ORDER BY name COLLATE "C")) FROM (
  SELECT DISTINCT ON (model_name) model_name AS name, price_data::text AS data FROM public.model_prices
   ORDER BY model_name, created_at DESC NULLS LAST, id DESC) AS prices`;

export async function run(bench) {
  const { server, directory, runs, log } = bench;
  const database = await Database.create(server);
  assert.equal((await cli(['migrate', '--hub-tables'], { dsn: database.dsn })).code, 0);
  const service = await bench.startService(database);
  const authorization = path.join(directory, 'authorization');
  writeFileSync(authorization, `Authorization: Bearer ${adminToken}\n`, { mode: 0o600 });
  const files = { table: path.join(directory, 'table.json'), base: path.join(directory, 'base.json'), sql: path.join(directory, 'table.sql') };
  const upload = (file) => ['curl', ['-sS', '-f', '-o', '/dev/null', '-w', '%{time_total}', '-H', `@${authorization}`, '-F', `file=@${file}`,
    `${service.url}/api/v1/model-prices:upload`]];

  // Each run begins with the original table.
  const makeWay = (name, command, base, expected) => ({
    name,
    async run() {
      await database.exec('TRUNCATE public.model_prices, cch_data.price_applied');
      if (base) await measure(...upload(files.base), { service, server });
      await database.exec('VACUUM ANALYZE public.model_prices; CHECKPOINT');
      const result = await measure(...command, { env: database.env, service, server });
      result.requestSeconds = Number(result.stdout);
      assert.equal(await database.value(current), expected.value ??= await database.value(current), `${name}: another table`);
      return result;
    },
  });

  const rows = [];
  for (const count of SIZES) {
    for (const [title, [old, now]] of Object.entries(CASES)) {
      const models = makeModels(count, now);
      const base = old === null ? null : makeModels(count, old);
      writeFileSync(files.table, JSON.stringify(models));
      writeFileSync(files.base, JSON.stringify(base));
      writeFileSync(files.sql, statements(models, base));
      const expected = {};
      const ours = makeWay(`upload, ${count} models, ${title}`, upload(files.table), base, expected);
      const theirs = makeWay(`model by model, ${count} models, ${title}`, ['psql', ['-X', '-q', '-o', '/dev/null', '-f', files.sql]], base, expected);
      const results = await alternate([ours, theirs], Math.max(runs, 3), log);
      const of = (way, field) => median(results.get(way).map((result) => result[field])) * 1000;
      rows.push([`${count} models, ${title}`, milliseconds(of(ours, 'seconds')), milliseconds(of(ours, 'requestSeconds')), milliseconds(of(ours, 'processorSeconds')),
        milliseconds(of(ours, 'serverSeconds')), milliseconds(of(theirs, 'seconds')), ratio(of(theirs, 'seconds') / of(ours, 'seconds'))]);
    }
  }
  await service.stop();
  for (const file of Object.values(files)) rmSync(file, { force: true });
  return table(['', 'upload', 'without the start of curl', 'CPU of the service', 'CPU of PostgreSQL', 'model by model', 'times as fast'], rows);
}
