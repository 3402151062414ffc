// Exports: stock pg_dump, the command line, and the service by curl, each into a file.

import assert from 'node:assert/strict';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Database } from '../api/support/database.mjs';
import { runOk } from '../api/support/run.mjs';
import { adminToken, binary } from '../api/support/service.mjs';
import { assertContents } from './support/contents.mjs';
import { alternate, measure, median } from './support/measure.mjs';
import { megabytes, milliseconds, ratio, seconds, table } from './support/report.mjs';

const COMPRESSIONS = ['fast', 'balanced', 'small', 'none'];
const WITHOUT_OURS = ['-N', 'cch_data']; // our exports also leave it out

// The contents of an archive, without dump IDs, which the writer chooses.
const listing = async (file) => {
  const { stdout } = await runOk('pg_restore', ['-l', file]);
  return stdout.split('\n').filter((line) => !line.startsWith(';')).map((line) => line.replace(/^\d+;/, '')).sort();
};

// Asserts that stock pg_restore lists the same as for pg_dump's archive, and restores the source's rows.
async function check(bench, way, file, expectedListing) {
  assert.deepEqual(await listing(file), expectedListing, `${way.name}: another table of contents than pg_dump's`);
  const restored = await Database.create(bench.server);
  const args = ['--section=pre-data', '--section=data', '-j', String(bench.cores)];
  const { code, stderr } = await restored.pgRestore(file, ...args);
  assert.equal(code, 0, `${way.name}: ${stderr}`);
  await assertContents(restored, bench.expected, way.name);
  await restored.drop();
}

export async function run(bench) {
  const { server, source, directory, runs, log } = bench;
  const service = await bench.startService(source);
  const stock = await source.pgDump(path.join(directory, 'stock.dump'), ...WITHOUT_OURS);
  const expectedListing = await listing(stock);
  const authorization = path.join(directory, 'authorization');
  writeFileSync(authorization, `Authorization: Bearer ${adminToken}\n`, { mode: 0o600 });
  const checked = new Set();

  // `command` returns the program and its arguments for an output file.
  const makeWay = (name, command, { env = source.env, by } = {}) => {
    const way = { name };
    way.run = async () => {
      const file = path.join(directory, 'export.dump');
      await source.exec('CHECKPOINT');
      const result = await measure(...command(file), { env, service: by, server });
      result.bytes = statSync(file).size;
      if (!checked.has(way)) await check(bench, way, file, expectedListing);
      checked.add(way);
      for (const made of [file, `${file}.manifest.json`]) rmSync(made, { force: true });
      if (by) result.firstByteMs = Number(result.stdout) * 1000;
      return result;
    };
    return way;
  };
  const pgDump = (...args) => (file) => ['pg_dump', ['-Fc', ...WITHOUT_OURS, ...args, '-f', file]];
  const curl = (query) => (file) => ['curl', [
    '-sS', '-f', '-o', file, '-w', '%{time_starttransfer}', '-H', `@${authorization}`,
    `${service.url}/api/admin/database/export${query}`,
  ]];
  const reference = makeWay('pg_dump -Fc', pgDump());
  const ways = [
    reference,
    makeWay('pg_dump -Fc -Z1', pgDump('-Z1')),
    ...COMPRESSIONS.flatMap((compression) => [
      makeWay(`${compression}, command line`, (file) => [binary, ['export', '--compression', compression, file]], { env: { DSN: source.dsn } }),
      makeWay(`${compression}, HTTP`, curl(`?compression=${compression}`), { by: service }),
    ]),
  ];
  const results = await alternate(ways, runs, log);
  await service.stop();
  rmSync(stock);
  const of = (way, field) => median(results.get(way).map((result) => result[field]));
  return table(
    ['way', 'time', 'times as fast as `pg_dump -Fc`', 'archive', 'of its size', 'memory', 'service above idle', 'first byte', 'CPU', 'CPU of PostgreSQL'],
    ways.map((way) => [
      way.name, seconds(of(way, 'seconds')), ratio(of(reference, 'seconds') / of(way, 'seconds')), megabytes(of(way, 'bytes')),
      ratio(of(way, 'bytes') / of(reference, 'bytes')), megabytes(of(way, 'memory')), megabytes(of(way, 'aboveIdle')),
      milliseconds(of(way, 'firstByteMs')), seconds(of(way, 'processorSeconds')), seconds(of(way, 'serverSeconds')),
    ]),
  );
}
