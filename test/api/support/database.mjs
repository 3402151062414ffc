// Databases of a test server, and queries on them.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { run, runOk } from './run.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
export const fixture = (name) => path.join(here, '..', 'fixtures', name);

const asText = { getTypeParser: () => (text) => text };
const TIMEOUT_MS = 120_000;
// What only psql does, and the errors of a statement that does not run together with others: 25001 active_sql_transaction,
// 2D000 invalid_transaction_termination, 55P04 unsafe_new_enum_value_usage.
const FOR_PSQL = /^\s*\\|\bFROM\s+STDIN\b|^\s*(BEGIN|COMMIT|START|ROLLBACK|SAVEPOINT|PREPARE\s+TRANSACTION)\b/im;
const ALONE = ['25001', '2D000', '55P04'];
let counter = 0;

export class Database {
  constructor(server, name) {
    Object.assign(this, { server, name });
  }

  // A new database; `template` copies one without connections.
  static async create(server, { name = `t${process.pid}_${++counter}`, template = 'template0', options = '' } = {}) {
    const admin = new Database(server, 'postgres');
    const strategy = server.major >= 15 ? 'STRATEGY file_copy' : ''; // half the time of wal_log
    await admin.exec(`CREATE DATABASE "${name}" TEMPLATE "${template}" ${strategy} ${options}`);
    return new Database(server, name);
  }

  get dsn() {
    return this.server.dsn(this.name);
  }

  get env() {
    return this.server.env(this.name);
  }

  async drop() {
    await new Database(this.server, 'postgres').exec(`DROP DATABASE IF EXISTS "${this.name}" WITH (FORCE)`);
  }

  // Runs statements, each by itself.
  async exec(sql, { user = 'postgres', timeoutMs = TIMEOUT_MS } = {}) {
    if (!FOR_PSQL.test(sql)) {
      try {
        await this.#query(sql, user, timeoutMs);
        return;
      } catch (error) {
        if (!ALONE.includes(error.code)) throw error;
      }
    }
    await runOk('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1'], { env: this.server.env(this.name, user), input: sql, timeoutMs });
  }

  async execFile(file) {
    await this.exec(readFileSync(file, 'utf8'));
  }

  // Rows as arrays of text; NULL is null.
  async rows(sql) {
    return (await this.#query(sql)).flatMap((result) => result.rows);
  }

  // The results of statements that run together, in a session of its own.
  async #query(text, user = 'postgres', timeoutMs = TIMEOUT_MS) {
    const { directory: host, port } = this.server;
    const client = new pg.Client({ host, port, user, database: this.name, types: asText, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs });
    client.on('error', () => {}); // that the session has ended is the query's error
    await client.connect();
    try {
      return [await client.query({ text, rowMode: 'array' })].flat();
    } finally {
      await client.end();
    }
  }

  async value(sql) {
    return (await this.rows(sql))[0]?.[0] ?? null;
  }

  async count(table) {
    return Number(await this.value(`SELECT count(*) FROM ${table}`));
  }

  // pg_dump's text without the parts that differ between two runs.
  async dumpText(...args) {
    const { stdout } = await runOk('pg_dump', ['--no-sync', ...args], { env: this.env });
    return stdout.split('\n').filter((line) => !/^(\\(un)?restrict |-- Dumped (from|by) )/.test(line)).join('\n');
  }

  // A number that changes with any change of schema or data.
  async fingerprint() {
    const text = await this.dumpText();
    const { createHash } = await import('node:crypto');
    return createHash('sha256').update(text).digest('hex');
  }

  async pgDump(file, ...args) {
    await runOk('pg_dump', ['-Fc', '--no-sync', '-f', file, ...args], { env: this.env });
    return file;
  }

  // pg_restore's result; its exit code is 1 when it ignored errors.
  pgRestore(file, ...args) {
    return run('pg_restore', ['-d', this.name, ...args, file], { env: this.env });
  }

  // Backends of other sessions in this database, without the few that the service keeps for its next request.
  async backends() {
    return this.rows(
      `SELECT pid, application_name, state, left(query, 80) FROM pg_catalog.pg_stat_activity
       WHERE datname = '${this.name}' AND pid <> pg_backend_pid() AND backend_type = 'client backend'
         AND NOT (application_name = 'cch-data idle' AND state = 'idle')`,
    );
  }

  // A session that stays open.
  session() {
    return new Session(this);
  }
}

export class Session {
  constructor(database) {
    this.child = spawn('psql', ['-X', '-q', '-A', '-t'], {
      env: { ...process.env, ...database.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.output = '';
    this.child.stdout.on('data', (chunk) => {
      this.output += chunk;
      this.wake?.();
    });
    this.errors = '';
    this.child.stderr.on('data', (chunk) => (this.errors = chunk.toString()));
    this.child.stdin.on('error', () => {});
    this.closed = new Promise((resolve) => this.child.on('close', resolve));
    this.closed.then(() => this.wake?.());
    this.n = 0;
    // A session that nobody closes must not keep its file from ending; it ends with it.
    for (const one of [this.child, ...this.child.stdio]) one.unref();
  }

  // Keeps the file from ending until the promise has.
  #hold(promise) {
    const timer = setInterval(() => {}, 60_000);
    return promise.finally(() => clearInterval(timer));
  }

  get hasEnded() {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  // Runs statements and waits for them, or for the end of the session. `errors` is what was last said on standard error.
  async exec(sql) {
    const mark = `done-${++this.n}`;
    this.child.stdin.write(`${sql};\n\\echo ${mark}\n`);
    while (!this.output.includes(mark) && !this.hasEnded) {
      await this.#hold(new Promise((resolve) => (this.wake = resolve)));
    }
    const text = this.output.slice(0, this.output.indexOf(mark)).trim();
    this.output = '';
    return text;
  }

  async close() {
    this.child.stdin.end();
    await this.#hold(this.closed);
  }
}

// The first difference between two texts, with its context; null when they are equal.
export function firstDifference(a, b) {
  if (a === b) return null;
  const [left, right] = [a.split('\n'), b.split('\n')];
  let i = 0;
  while (left[i] === right[i]) i++;
  const part = (lines) => lines.slice(Math.max(0, i - 4), i + 6).map((line) => line.slice(0, 300)).join('\n  ');
  return `line ${i + 1}:\n  ${part(left)}\n--- but\n  ${part(right)}`;
}
