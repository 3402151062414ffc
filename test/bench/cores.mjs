// What one processor does, and what each further one adds: stock and our programs, with the server, on the first of the machine's.

import { rmSync } from 'node:fs';
import path from 'node:path';
import { run as runProgram } from '../api/support/run.mjs';
import { binary, children } from '../api/support/service.mjs';
import { prepareImports } from './import.mjs';
import { alternate, measure, median } from './support/measure.mjs';
import { ratio, seconds, table } from './support/report.mjs';

export async function run(bench) {
  const { server, source, directory, runs, log, cores } = bench;
  const { archive, target, makeWay, pgRestore, ours } = await prepareImports(bench);
  const file = path.join(directory, 'cores.dump');

  // Backends that the server starts from now on stay there, too.
  const keepServerOn = async (count) => {
    for (const pid of [server.pid, ...children(server.pid).map((child) => child.pid)]) await runProgram('taskset', ['-c', '-p', `0-${count - 1}`, String(pid)]);
  };
  const onProcessors = (count, way) => ({
    name: `${way.name}, ${count} of the processors`,
    async run() {
      await keepServerOn(count);
      const result = await way.run();
      await keepServerOn(cores);
      return result;
    },
  });
  const exportWay = (name, program, args, env) => ({
    name,
    async run() {
      await source.exec('CHECKPOINT');
      const result = await measure(program, args, { env, server });
      for (const made of [file, `${file}.manifest.json`]) rmSync(made, { force: true });
      return result;
    },
  });
  const counts = [...new Set([1, 2, cores])].filter((count) => count <= cores);
  const groups = counts.map((count) => {
    const here = (program, args) => ['taskset', ['-c', `0-${count - 1}`, program, ...args]];
    const pair = (stock, own) => ({ stock: onProcessors(count, stock), own: onProcessors(count, own) });
    return {
      count,
      export: pair(
        exportWay('pg_dump -Fc', ...here('pg_dump', ['-Fc', '-N', 'cch_data', '-f', file]), source.env),
        exportWay('export', ...here(binary, ['export', file]), { DSN: source.dsn }),
      ),
      import: pair(
        makeWay(`pg_restore -j${count}`, ...here(...pgRestore('-j', String(count)))),
        makeWay('import by swap', ...here(...ours('swap')), { env: { DSN: target.dsn }, isOurs: true }),
      ),
    };
  });
  const results = await alternate(groups.flatMap((group) => [group.export.stock, group.export.own, group.import.stock, group.import.own]), runs, log);
  rmSync(archive);
  const of = (way) => median(results.get(way).map((result) => result.seconds));
  const columns = ({ stock, own }) => [seconds(of(stock)), seconds(of(own)), ratio(of(stock) / of(own))];
  return table(
    ['processors', 'pg_dump -Fc', 'export', 'times as fast', 'pg_restore -j', 'import by swap', 'times as fast'],
    groups.map((group) => [String(group.count), ...columns(group.export), ...columns(group.import)]),
  );
}
