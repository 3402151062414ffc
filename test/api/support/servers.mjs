// Real servers in private directories: PostgreSQL on a socket and a free port, Redis on a free port.

import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, chownSync, existsSync, openSync, closeSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { atExit, endSync, isRunning, signal, temporaryDirectory } from './cleanup.mjs';
import { runOk, until } from './run.mjs';

export const isRoot = process.getuid() === 0;

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// The directory of the server's programs: CCH_TEST_SERVER_BIN, or else the newest installed version, or null.
export function postgresBinDir() {
  if (process.env.CCH_TEST_SERVER_BIN) return process.env.CCH_TEST_SERVER_BIN;
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).map(Number).filter(Boolean).sort((a, b) => b - a) : [];
  for (const version of versions) {
    const directory = path.join(root, String(version), 'bin');
    if (existsSync(path.join(directory, 'initdb'))) return directory;
  }
  const initdb = spawnSync('sh', ['-c', 'command -v initdb'], { encoding: 'utf8' }).stdout.trim();
  return initdb ? path.dirname(initdb) : null;
}

// PostgreSQL refuses to run as root.
function asServerUser(program, args) {
  return isRoot ? ['runuser', ['-u', 'postgres', '--', program, ...args]] : [program, args];
}

function giveToServerUser(directory) {
  if (!isRoot) return;
  const [, , uid, gid] = spawnSync('getent', ['passwd', 'postgres'], { encoding: 'utf8' }).stdout.split(':');
  chownSync(directory, Number(uid), Number(gid));
}

const settings = `
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = logical
shared_buffers = 8MB
max_wal_size = 2GB
autovacuum = off
jit = off
max_connections = 40
log_min_messages = warning
log_line_prefix = '%m [%p] %q%u@%d '
timezone = 'UTC'
`;

// Everyone is trusted except the role `with_password`, which needs a password.
const hba = `
local all all trust
local replication all trust
host all with_password 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
`;

class PostgresServer {
  constructor(directory, port, binDir) {
    Object.assign(this, { directory, port, binDir, dataDir: path.join(directory, 'data') });
    this.logPath = path.join(directory, 'log');
  }

  dsn(database = 'postgres', user = 'postgres') {
    return `postgresql://${user}@/${database}?host=${encodeURIComponent(this.directory)}&port=${this.port}`;
  }

  tcpDsn(database = 'postgres', user = 'postgres', password = undefined) {
    return `postgresql://${user}${password ? `:${password}` : ''}@127.0.0.1:${this.port}/${database}`;
  }

  // For psql, pg_dump and pg_restore.
  env(database = 'postgres', user = 'postgres') {
    return { PGHOST: this.directory, PGPORT: String(this.port), PGUSER: user, PGDATABASE: database };
  }

  get major() {
    return Number(readFileSync(path.join(this.dataDir, 'PG_VERSION'), 'utf8'));
  }

  get pid() {
    const file = path.join(this.dataDir, 'postmaster.pid');
    return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : null;
  }

  async start() {
    const [program, args] = asServerUser(path.join(this.binDir, 'pg_ctl'), [
      'start', '-w', '-t', '60', '-D', this.dataDir, '-l', this.logPath,
    ]);
    // pg_ctl's output must not be a pipe: the server inherits it and would keep it open.
    const log = openSync(path.join(this.directory, 'pg_ctl.log'), 'a');
    const child = spawn(program, args, { stdio: ['ignore', log, log], cwd: this.directory });
    closeSync(log);
    const code = await new Promise((resolve) => child.on('exit', resolve));
    if (code !== 0) throw new Error(`PostgreSQL does not start:\n${readFileSync(this.logPath, 'utf8')}`);
  }

  // `how`: SIGTERM smart, SIGINT fast, SIGQUIT immediate.
  async stop(how = 'SIGINT') {
    const { pid } = this;
    if (!pid) return;
    signal(pid, how);
    await until('the end of PostgreSQL', () => !isRunning(pid), 30_000);
  }

  log() {
    return readFileSync(this.logPath, 'utf8');
  }

  // A replica that streams from this server, running, with a port of its own.
  async startReplica() {
    const directory = temporaryDirectory('replica');
    giveToServerUser(directory);
    const replica = new PostgresServer(directory, await freePort(), this.binDir);
    const [program, args] = asServerUser(path.join(this.binDir, 'pg_basebackup'), [
      '-h', this.directory, '-p', String(this.port), '-U', 'postgres', '-D', replica.dataDir, '-R', '-c', 'fast', '-X', 'stream', '--no-sync',
    ]);
    await runOk(program, args, { cwd: directory });
    appendFileSync(path.join(replica.dataDir, 'postgresql.conf'), `port = ${replica.port}\nunix_socket_directories = '${directory}'\n`);
    await replica.startUntilExit();
    return replica;
  }

  async startUntilExit() {
    atExit(() => {
      const { pid } = this;
      if (pid) endSync(pid, 'SIGQUIT');
    });
    await this.start();
  }
}

// The folder of a version's server and client programs, which tools/postgres-versions has installed; `versionDir(18)`.
export function versionDir(major) {
  const home =
    process.env.CCH_TEST_POSTGRES ??
    (isRoot
      ? '/var/cache/cch-data-postgres'
      : path.join(process.env.XDG_CACHE_HOME ?? path.join(process.env.HOME, '.cache'), 'cch-data-postgres'));
  return path.join(home, String(major));
}

// A new cluster, running; `config` is added to postgresql.conf. `major` is a version of tools/postgres-versions; without it the
// server is that of the tests.
export async function startPostgres({ config = '', major = undefined } = {}) {
  const binDir = major ? path.join(versionDir(major), 'server/bin') : postgresBinDir();
  const directory = temporaryDirectory('pg');
  giveToServerUser(directory);
  const server = new PostgresServer(directory, await freePort(), binDir);
  // tools/with-cluster has created one to copy.
  const template = major ? undefined : process.env.CCH_TEST_CLUSTER;
  const [program, args] = template
    ? asServerUser('cp', ['-a', '--reflink=auto', template, server.dataDir])
    : asServerUser(path.join(binDir, 'initdb'), [
        '-D', server.dataDir, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '-N',
      ]);
  await runOk(program, args, { cwd: directory });
  appendFileSync(
    path.join(server.dataDir, 'postgresql.conf'),
    `${settings}listen_addresses = '127.0.0.1'\nport = ${server.port}\n` +
      `unix_socket_directories = '${directory}'\n${config}\n`,
  );
  writeFileSync(path.join(server.dataDir, 'pg_hba.conf'), hba);
  await server.startUntilExit();
  return server;
}

class RedisServer {
  constructor(directory, port) {
    Object.assign(this, { directory, port, url: `redis://127.0.0.1:${port}/0` });
  }

  async start() {
    const child = spawn(
      'redis-server',
      ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.directory, '--save', '', '--appendonly', 'no'],
      { stdio: 'ignore', cwd: this.directory },
    );
    child.unref();
    this.pid = child.pid;
    const { pid } = this;
    atExit(() => {
      signal(pid, 'SIGCONT');
      endSync(pid, 'SIGKILL');
    });
    await until('Redis', () => this.command('PING').then((reply) => reply === 'PONG', () => false));
  }

  // Runs one command over a new connection; null for nil.
  command(...words) {
    return new Promise((resolve, reject) => {
      const socket = net.connect(this.port, '127.0.0.1');
      let reply = '';
      socket.setTimeout(2000, () => socket.destroy(new Error('Redis does not answer')));
      socket.on('error', reject);
      socket.on('connect', () => {
        socket.write(`*${words.length}\r\n` + words.map((w) => `$${Buffer.byteLength(w)}\r\n${w}\r\n`).join(''));
      });
      socket.on('data', (chunk) => {
        reply += chunk;
        const line = /^([+\-:$])(.*)\r\n/.exec(reply);
        if (!line) return;
        const [whole, type, text] = line;
        if (type === '$' && text !== '-1' && Buffer.byteLength(reply) < whole.length + Number(text) + 2) return;
        socket.destroy();
        if (type === '-') reject(new Error(text));
        else if (type === '$') resolve(text === '-1' ? null : reply.slice(whole.length, -2));
        else resolve(type === ':' ? Number(text) : text);
      });
    });
  }

  // Collects messages of channels until `stop` is called.
  async subscribe(...channels) {
    const socket = net.connect(this.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk));
    socket.on('error', () => {});
    socket.write(`*${channels.length + 1}\r\n$9\r\nSUBSCRIBE\r\n` + channels.map((c) => `$${c.length}\r\n${c}\r\n`).join(''));
    await until('the subscription', () => text.includes('subscribe'));
    return { received: (channel) => text.includes(`message\r\n$${channel.length}\r\n${channel}`), stop: () => socket.destroy() };
  }
}

export function haveRedis() {
  return spawnSync('redis-server', ['--version']).status === 0;
}

export async function startRedis() {
  const server = new RedisServer(temporaryDirectory('redis'), await freePort());
  await server.start();
  return server;
}
