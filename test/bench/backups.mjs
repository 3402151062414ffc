// Scheduled backups: a run into a directory, plain and encrypted, against pg_dump with and without age; a trial restore that
// compares every row, against pg_restore into a new database, which compares nothing.

import { readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { run as runProgram, runOk } from '../api/support/run.mjs';
import { binary, cli } from '../api/support/service.mjs';
import { alternate, measure, median } from './support/measure.mjs';
import { megabytes, ratio, seconds, table } from './support/report.mjs';

const WITHOUT_OURS = ['-N', 'cch_data'];

export async function run(bench) {
  const { server, source, directory, runs, log } = bench;
  const dataDir = path.join(directory, 'data'), file = path.join(directory, 'stock.dump'), stored = path.join(dataDir, 'backups');
  const env = { DSN: source.dsn, CCH_DATA_DATA_DIR: dataDir, CCH_DATA_TEMP_DIR: directory };
  const { stdout: keys } = await runOk('age-keygen', []);
  const recipient = /age1\w+/.exec(keys)[0];
  const { code, stderr } = await cli(['backup', 'jobs'], { env });
  if (code !== 0) throw new Error(stderr);
  const add = (name, settings) => source.exec(`INSERT INTO cch_data.backup_jobs (name, is_enabled, settings)
    SELECT '${name}', false, '${JSON.stringify({ verifyDays: 0, retention: { last: 1 }, ...settings })}'::jsonb || jsonb_build_object('destinations', jsonb_build_array(id))
    FROM cch_data.backup_destinations WHERE name = 'local'`);
  await add('plain', {});
  await add('encrypted', { recipients: [recipient] });

  const makeWay = (name, command, { bytes, after = () => {}, before = () => {} } = {}) => ({
    name,
    async run() {
      await before();
      await source.exec('CHECKPOINT');
      const result = await measure(...command, { env: { ...source.env, ...env }, server });
      result.bytes = bytes?.() ?? 0;
      await after();
      return result;
    },
  });
  const archives = (job) => () => Math.max(...readdirSync(path.join(stored, job)).map((name) => statSync(path.join(stored, job, name)).size));
  const shell = (script) => ['sh', ['-c', script]];
  const stock = { bytes: () => statSync(file).size, after: () => rmSync(file) };
  const dump = makeWay('pg_dump -Fc', ['pg_dump', ['-Fc', ...WITHOUT_OURS, '-f', file]], stock);
  const dumpAge = makeWay('pg_dump -Fc, age', shell(`pg_dump -Fc ${WITHOUT_OURS.join(' ')} | age -r ${recipient} -o '${file}'`), stock);
  const plain = makeWay('backup run', [binary, ['backup', 'run', 'plain']], { bytes: archives('plain') });
  const encrypted = makeWay('backup run, encrypted', [binary, ['backup', 'run', 'encrypted']], { bytes: archives('encrypted') });
  const newest = () => path.join(stored, 'plain', readdirSync(path.join(stored, 'plain')).filter((name) => name.endsWith('.dump')).sort().at(-1));
  const trial = { before: () => runProgram('dropdb', ['--if-exists', 'trial'], { env: source.env }) };
  const restore = {
    name: 'pg_restore -j into a new database',
    async run() {
      await trial.before();
      const result = await measure(...shell(`createdb trial && pg_restore -j ${bench.cores} -d trial '${newest()}' && dropdb trial`), { env: source.env, server });
      return { ...result, bytes: 0 };
    },
  };
  const drill = makeWay('backup drill', [binary, ['backup', 'drill', '--job', 'plain']]);
  const ways = [dump, dumpAge, plain, encrypted, restore, drill], peers = [dump, dumpAge, dump, dumpAge, restore, restore];
  const results = await alternate(ways, runs, log);
  const of = (way, field) => median(results.get(way).map((result) => result[field]));
  return table(
    ['way', 'time', 'times as fast as', 'file', 'memory', 'CPU', 'CPU of PostgreSQL'],
    ways.map((way, i) => [
      way.name, seconds(of(way, 'seconds')), `${ratio(of(peers[i], 'seconds') / of(way, 'seconds'))} ${peers[i].name}`,
      of(way, 'bytes') > 0 ? megabytes(of(way, 'bytes')) : '', megabytes(of(way, 'memory')), seconds(of(way, 'processorSeconds')), seconds(of(way, 'serverSeconds')),
    ]),
  );
}
