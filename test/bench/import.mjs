// Overwriting imports of one archive by stock pg_dump into a database in use: pg_restore, the command line, and the
// service by curl.

import assert from 'node:assert/strict';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Database } from '../api/support/database.mjs';
import { adminToken, binary } from '../api/support/service.mjs';
import { assertContents } from './support/contents.mjs';
import { alternate, measure, median } from './support/measure.mjs';
import { megabytes, milliseconds, ratio, seconds, table } from './support/report.mjs';

const METHODS = ['swap', 'transaction'];

// A change that an import without effect would leave.
const CHANGE = `
  DELETE FROM message_request WHERE id % 100 = 0;
  UPDATE users SET name = 'changed';
  TRUNCATE model_prices;
  CHECKPOINT`;

function assertComplete(text) {
  const events = text.split('\n').map((line) => line.replace(/^data: /, '')).filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const last = events[events.length - 1];
  assert.equal(last?.type, 'complete', JSON.stringify(last));
}

// Drops the databases that earlier swaps have kept, which would fill the disk.
async function dropKept(server, target) {
  const admin = new Database(server, 'postgres');
  const kept = await admin.rows(`SELECT datname FROM pg_catalog.pg_database WHERE datname LIKE '${target.name}%' AND datname <> '${target.name}'`);
  for (const [name] of kept) await new Database(server, name).drop();
}

// An archive by stock pg_dump, a database with the same rows, and makeWay for what overwrites it. `isOurs`: it prints our events;
// `isUndone`: an undo is timed, too; `by`: a service that does the work.
export async function prepareImports({ server, source, directory, cores, expected }) {
  const archive = await source.pgDump(path.join(directory, 'import.dump'), '-N', 'cch_data');
  const target = await Database.create(server);
  await target.pgRestore(archive, '--no-owner', '-j', String(cores));

  // Back to the previous database, with the CHANGE.
  const undo = async () => {
    const { stdout, seconds: time } = await measure(binary, ['import', '--json', '--yes', '--undo'], { env: { DSN: target.dsn }, server });
    assertComplete(stdout);
    assert.equal(await target.value(`SELECT count(*) FROM users WHERE name <> 'changed'`), '0');
    return time;
  };

  const makeWay = (name, program, args, { env = target.env, by, isOurs, isUndone } = {}) => ({
    name,
    async run() {
      await target.exec(CHANGE);
      const result = await measure(program, args, { env, service: by, server });
      if (isOurs) assertComplete(result.stdout);
      if (by) result.firstByteMs = Number(/^firstByte (.*)$/m.exec(result.stdout)[1]) * 1000;
      await assertContents(target, expected, name);
      if (isUndone) result.undoSeconds = await undo();
      await dropKept(server, target);
      return result;
    },
  });
  const pgRestore = (...args) => ['pg_restore', ['--clean', '--if-exists', '--no-owner', ...args, '-d', target.name, archive]];
  const ours = (method) => [binary, ['import', '--json', '--yes', '--overwrite', '--method', method, archive]];
  return { archive, target, makeWay, pgRestore, ours };
}

export async function run(bench) {
  const { directory, runs, log, cores } = bench;
  const { archive, target, makeWay, pgRestore, ours } = await prepareImports(bench);
  const service = await bench.startService(target);
  const authorization = path.join(directory, 'authorization');
  writeFileSync(authorization, `Authorization: Bearer ${adminToken}\n`, { mode: 0o600 });
  // An import by swap includes statistics; pg_restore does not collect them.
  const thenAnalyze = ([program, args]) => ['sh', ['-c', '"$@" && vacuumdb --quiet --analyze-only --jobs "$0"', String(cores), program, ...args]];
  const curl = (method) => ['curl', [
    '-sS', '-f', '-N', '-H', `@${authorization}`, '-H', 'Expect:',
    ...['cleanFirst=true', `method=${method}`, `file=@${archive}`].flatMap((field) => ['-F', field]),
    '-w', '\nfirstByte %{time_starttransfer}\n', `${service.url}/api/admin/database/import`,
  ]];
  const plain = makeWay('pg_restore', ...pgRestore());
  const parallel = makeWay(`pg_restore -j${cores}`, ...pgRestore('-j', String(cores)));
  const ways = [
    plain,
    makeWay('pg_restore --single-transaction', ...pgRestore('--single-transaction')),
    parallel,
    makeWay(`pg_restore -j${cores}, then ANALYZE`, ...thenAnalyze(pgRestore('-j', String(cores)))),
    ...METHODS.flatMap((method) => [
      makeWay(`${method}, command line`, ...ours(method), { env: { DSN: target.dsn }, isOurs: true, isUndone: method === 'swap' }),
      makeWay(`${method}, HTTP`, ...curl(method), { by: service, isOurs: true }),
    ]),
  ];
  const results = await alternate(ways, runs, log);
  await service.stop();
  const size = megabytes(statSync(archive).size);
  rmSync(archive);
  const of = (way, field) => median(results.get(way).map((result) => result[field]));
  const undoSeconds = median([...results.values()].flat().map((result) => result.undoSeconds));
  return `The archive has ${size}. An undo of an overwrite by swap took ${seconds(undoSeconds)}.\n\n` + table(
    ['way', 'time', 'times as fast as `pg_restore`', `as \`-j${cores}\``, 'memory', 'service above idle', 'first event', 'CPU', 'CPU of PostgreSQL'],
    ways.map((way) => [
      way.name, seconds(of(way, 'seconds')), ratio(of(plain, 'seconds') / of(way, 'seconds')), ratio(of(parallel, 'seconds') / of(way, 'seconds')),
      megabytes(of(way, 'memory')), megabytes(of(way, 'aboveIdle')), milliseconds(of(way, 'firstByteMs')),
      seconds(of(way, 'processorSeconds')), seconds(of(way, 'serverSeconds')),
    ]),
  );
}
