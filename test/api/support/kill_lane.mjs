// A lane of the kill tests: its own servers, which can be stopped without disturbing others, the original database (`old`), and an
// archive to import into it.

import { createHash } from 'node:crypto';
import { createWriteStream, existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { temporaryDirectory } from './cleanup.mjs';
import { Database } from './database.mjs';
import { databaseText } from './dump_text.mjs';
import { Proxy } from './proxy.mjs';
import { runOk } from './run.mjs';
import { haveRedis, startPostgres, startRedis } from './servers.mjs';
import { Service, cli, startCli } from './service.mjs';
import { frames, lastEvent } from './sse.mjs';
import { startUpload } from './upload.mjs';

const ROWS = 1500;

// Legitimate differences: our own schema, and the import's audit entry.
export async function fingerprint(database) {
  const text = await databaseText(database, '-N', 'cch_data', '--exclude-table-data=public.audit_log*');
  return createHash('sha256').update(text).digest('hex');
}

// A hub's database and its replacement. They differ so that an overwrite drops, changes and creates objects, and a merge adds rows.
async function makeData(lane) {
  const demo = async (seed, more) => {
    const database = await Database.create(lane.server);
    const { code, stderr } = await cli(['demo', '--rows', String(ROWS), '--seed', String(seed)], { dsn: database.dsn });
    if (code !== 0) throw new Error(stderr);
    await database.exec(more);
    return database;
  };
  lane.old = await demo(1, `CREATE TABLE goes (id integer); INSERT INTO goes VALUES (1); CREATE VIEW goes_too AS SELECT * FROM users;
    DELETE FROM message_request WHERE id % 3 = 0`);
  lane.oldArchive = await lane.old.pgDump(path.join(lane.directory, 'old.dump'));
  const other = await demo(2, `CREATE TABLE comes (id serial PRIMARY KEY, v text); CREATE INDEX ON comes (v);
    INSERT INTO comes (v) SELECT md5(i::text) FROM generate_series(1, 20000) AS i; SELECT lo_from_bytea(4711, 'a large object')`);
  lane.archive = await other.pgDump(path.join(lane.directory, 'new.dump'), '-N', 'cch_data');
  await other.drop();
}

export class Lane {
  // With the same data as the lane `model`, if given.
  static async start(model) {
    const lane = new Lane();
    lane.directory = temporaryDirectory('kills');
    lane.server = await startPostgres({ config: 'fsync = on\nsynchronous_commit = on\nfull_page_writes = on\nmax_connections = 60' });
    lane.admin = new Database(lane.server, 'postgres');
    lane.redis = haveRedis() ? await startRedis() : null;
    lane.proxy = await Proxy.start(lane.server.port);
    if (!model) {
      await makeData(lane);
      return lane;
    }
    lane.archive = model.archive;
    lane.old = await Database.create(lane.server);
    const { code, stderr } = await lane.old.pgRestore(model.oldArchive);
    if (code !== 0) throw new Error(stderr);
    return lane;
  }

  // A new database for one kill.
  target() {
    return Database.create(this.server, { template: this.old.name });
  }

  // The DSN of the program under test.
  dsn(database, byProxy) {
    const { port } = byProxy ? this.proxy : this.server;
    return `postgresql://postgres@127.0.0.1:${port}/${database.name}`;
  }

  environment(files) {
    return { TEMP_DIR: files.tempDir, DATA_DIR: files.dataDir, TEMP_CLEANUP_INTERVAL: '1', LOCK_TTL_MS: '60000' };
  }

  startService(database, files, byProxy) {
    return Service.start({ dsn: this.dsn(database, byProxy), redisUrl: this.redis?.url, ...files, env: this.environment(files) });
  }

  startCli(args, database, files, byProxy) {
    const env = { ...this.environment(files), REDIS_URL: this.redis?.url };
    return startCli(args, { dsn: this.dsn(database, byProxy), env });
  }
}

// { pid, ended }: `ended` resolves to the reported outcome: 'complete', an errorCode, or null.
export function startByCli(lane, operation, database, files, byProxy) {
  const output = path.join(files.tempDir, '..', `${path.basename(files.tempDir)}.dump`);
  const child = lane.startCli(operation.args(lane.archive, output), database, files, byProxy);
  const ended = child.ended.then(async ({ code, stdout }) => {
    if (operation.isExport) {
      const isWhole = existsSync(output);
      // A file under its final name is complete, whatever was killed.
      if (isWhole) await runOk('pg_restore', ['-f', '/dev/null', output]);
      rmSync(output, { force: true });
      return code === 0 ? 'complete' : null;
    }
    const last = lastEvent(stdout.split('\n').filter((line) => /^\{.*\}$/.test(line)).map((line) => JSON.parse(line)));
    return last?.type === 'complete' ? 'complete' : (last?.errorCode ?? null);
  });
  return { pid: child.pid, ended };
}

async function exportByHttp(lane, service) {
  const output = path.join(lane.directory, `${service.pid}.dump`);
  try {
    const response = await service.fetch('/api/admin/database/export');
    if (response.status !== 200) return (await response.json()).errorCode;
    await pipeline(Readable.fromWeb(response.body), createWriteStream(output));
  } catch {
    return null; // the connection broke
  }
  await runOk('pg_restore', ['-f', '/dev/null', output]);
  rmSync(output);
  return 'complete';
}

// Reads an answer as far as it arrives. Returns the outcome of the last event or of the error.
async function outcome(response) {
  if (!response.headers['content-type']?.startsWith('text/event-stream')) {
    let text = '';
    for await (const chunk of response) text += chunk;
    return JSON.parse(text).errorCode;
  }
  let last = null;
  try {
    for await (const { data } of frames(response)) if (data) last = data;
  } catch {
    // The connection broke.
  }
  return last?.type === 'complete' ? 'complete' : last?.type === 'error' ? last.errorCode : null;
}

// Like startByCli, through the service.
export function startByHttp(lane, operation, service) {
  const run = async () => {
    if (operation.isExport) return exportByHttp(lane, service);
    const response = operation.request ? operation.request(service) : startUpload(service, { file: lane.archive, fields: operation.fields }).response;
    try {
      return await outcome(await response);
    } catch {
      return null; // no answer
    }
  };
  return { pid: service.pid, ended: run() };
}

// Remains of an operation on `database` that nothing will remove.
export async function leftovers(lane, database, service) {
  const side = await lane.admin.rows(`SELECT datname FROM pg_catalog.pg_database WHERE starts_with(datname, '${database.name}_cch_')`);
  const names = side.map(([name]) => name);
  const recorded = names.length ? (await database.rows(`SELECT name FROM cch_data.databases WHERE kind = 'kept'`)).map(([name]) => name) : [];
  const backends = (await database.backends()).map((backend) => `backend ${backend.join(' ')}`);
  const locks = (await database.rows(`SELECT objid FROM pg_locks WHERE locktype = 'advisory'`)).map(([id]) => `advisory lock ${id}`);
  return [
    ...names.filter((name) => !recorded.includes(name)).map((name) => `database ${name}`),
    ...backends, ...locks,
    ...readdirSync(service.tempDir).map((name) => `file ${name}`),
    ...service.children().map(({ pid, name }) => `child ${name} (${pid})`),
  ];
}

// Also drops the databases that a swap has kept.
export async function dropAll(lane, database) {
  const names = await lane.admin.rows(`SELECT datname FROM pg_catalog.pg_database WHERE starts_with(datname, '${database.name}')`);
  for (const [name] of names) await new Database(lane.server, name).drop();
}
