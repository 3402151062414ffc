// make bench: compares our exports and imports with stock pg_dump's and pg_restore's, on a generated hub database in a private
// PostgreSQL. Prints Markdown. A claim is a ratio of medians; every result is checked before it counts.
//
//   --part NAME,…   only these parts, each a file of this directory (default: all)
//   --size SIZE     bytes of rows, as COPY writes them: 500MB (default), 2GB, small
//   --rows N        instead: rows of the request log
//   --runs N        rounds (3)
//   --write         into docs/benchmarks.md
//   --check         compares the ratios with those in docs/benchmarks.md, and fails where a tenth is lost

import { readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { temporaryDirectory } from '../api/support/cleanup.mjs';
import { Database } from '../api/support/database.mjs';
import { startPostgres } from '../api/support/servers.mjs';
import { Service, cli, rssBytes } from '../api/support/service.mjs';
import { contents } from './support/contents.mjs';
import { compareSection, machine, writeSection } from './support/report.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const page = path.join(here, '../../docs/benchmarks.md');
const allParts = readdirSync(here).filter((name) => name.endsWith('.mjs') && name !== 'run.mjs').map((name) => path.parse(name).name);

const BYTES_PER_ROW = 800; // of the demo's request log, as COPY text
const SMALL_BYTES = 4 * 1000 * 1000;
const MARGIN = 0.1; // what alternating medians of a quiet machine differ by

// The settings of a production server, but without autovacuum, which would run at random moments. A small run is a look at
// whether it works, and takes the tests' settings.
const settings = `
fsync = on
synchronous_commit = on
full_page_writes = on
wal_level = replica
shared_buffers = ${Math.round(Math.min(os.totalmem() / 4, 2 ** 30) / 2 ** 20)}MB
max_wal_size = 4GB
maintenance_work_mem = 64MB
autovacuum = off
`;

function parseSize(text) {
  if (text === 'small') return SMALL_BYTES;
  const [, number, unit] = /^(\d+(?:\.\d+)?)(MB|GB)$/i.exec(text) ?? [];
  if (!number) throw new Error(`--size ${text}: such as 500MB, 2GB, small`);
  return Number(number) * (unit.toUpperCase() === 'GB' ? 1e9 : 1e6);
}

function parse() {
  const { values } = parseArgs({
    options: {
      part: { type: 'string', default: allParts.join(',') },
      size: { type: 'string', default: '500MB' },
      rows: { type: 'string' },
      runs: { type: 'string', default: '3' },
      write: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
    },
  });
  const parts = values.part.split(',');
  for (const part of parts) if (!allParts.includes(part)) throw new Error(`--part ${part}: one of ${allParts.join(', ')}`);
  const rows = values.rows === undefined ? Math.round(parseSize(values.size) / BYTES_PER_ROW) : Number(values.rows);
  const runs = Number(values.runs);
  if (!Number.isInteger(rows) || rows < 1 || !Number.isInteger(runs) || runs < 1) throw new Error('--rows, --runs: a number');
  return { isSmall: values.size === 'small', parts, rows, runs, write: values.write, check: values.check };
}

const log = (line) => process.stderr.write(`${line}\n`);

async function generate(server, rows) {
  const source = await Database.create(server);
  log(`a hub's database with ${rows} rows in the request log …`);
  const { code, stderr } = await cli(['demo', '--rows', String(rows)], { dsn: source.dsn, timeoutMs: 3_600_000 });
  if (code !== 0) throw new Error(`cch-data demo: ${stderr}`);
  await source.exec('VACUUM ANALYZE');
  return source;
}

// The service on a database; `idleBytes` is its resident memory after its first answer.
async function startService(database, directory) {
  const service = await Service.start({ dsn: database.dsn, tempDir: directory, env: { MAX_UPLOAD_BYTES: 2 ** 40 } });
  await service.status();
  service.idleBytes = rssBytes(service.pid);
  return service;
}

async function main() {
  const options = parse();
  const server = await startPostgres({ config: options.isSmall ? '' : settings });
  const source = await generate(server, options.rows);
  const directory = temporaryDirectory('bench');
  const expected = await contents(source);
  const copyBytes = Number(await source.value('SELECT sum(pg_catalog.length(m::text)) FROM message_request AS m'));
  const bench = {
    ...options, server, source, directory, expected, log, cores: os.cpus().length,
    startService: (database) => startService(database, directory),
  };
  for (const part of options.parts) {
    const { run } = await import(`./${part}.mjs`);
    const text = `${options.rows} rows in the request log (${Math.round(copyBytes / 1e6)} MB), medians of ${options.runs} ` +
      `alternating runs. ${machine(server.binDir)}.\n\n${await run(bench)}`;
    process.stdout.write(`## ${part}\n\n${text}\n\n`);
    if (options.check) {
      const compared = compareSection(page, part, text, MARGIN);
      process.stdout.write(`${compared.text}\n\n`);
      if (!compared.isGood) process.exitCode = 1;
    }
    if (options.write) writeSection(page, part, text);
  }
}

await main().catch((error) => {
  log(error.stack);
  process.exitCode = 1;
});
process.exit();
