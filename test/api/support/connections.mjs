// Certificates, poolers and proxies between us and a server, and Redis with other than the default settings.

import { spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { atExit, endSync, signal, temporaryDirectory } from './cleanup.mjs';
import { runOk, until } from './run.mjs';
import { freePort, isRoot } from './servers.mjs';

// A certificate authority and a certificate for localhost and 127.0.0.1: { ca, cert, key } are paths.
export async function makeCertificates() {
  const directory = temporaryDirectory('tls', 0o755);
  const at = (name) => path.join(directory, name);
  const openssl = (...args) => runOk('openssl', args, { cwd: directory });
  await openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=test authority',
    '-keyout', 'ca.key', '-out', 'ca.pem');
  await openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr');
  writeFileSync(at('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  await openssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2',
    '-extfile', 'names', '-out', 'server.pem');
  return { ca: at('ca.pem'), cert: at('server.pem'), key: at('server.key') };
}

// Configures a test server for TLS with these certificates; it must be restarted.
export function useCertificates(server, certificates) {
  const { uid, gid } = statSync(server.dataDir);
  for (const [from, to] of [[certificates.cert, 'server.crt'], [certificates.key, 'server.key']]) {
    const target = path.join(server.dataDir, to);
    copyFileSync(from, target);
    chmodSync(target, 0o600);
    chownSync(target, uid, gid);
  }
}

async function listens(port, what) {
  await until(what, () => new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('connect', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
  }));
}

function keep(child) {
  child.unref();
  const { pid } = child;
  atExit(() => {
    signal(pid, 'SIGCONT');
    endSync(pid, 'SIGKILL');
  });
  return pid;
}

// pgbouncer in front of a server: { port, pid, dsn(database, user), reload(mode) }.
export async function startPgbouncer(server, mode, { poolSize = 4 } = {}) {
  const directory = temporaryDirectory('pgbouncer', 0o755);
  const port = await freePort();
  const file = path.join(directory, 'pgbouncer.ini');
  const configure = (poolMode) => writeFileSync(file, `[databases]
* = host=${server.directory} port=${server.port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${poolMode}
default_pool_size = ${poolSize}
logfile = ${path.join(directory, 'log')}
`);
  configure(mode);
  if (isRoot) {
    const { uid, gid } = statSync(server.dataDir);
    chownSync(directory, uid, gid);
    chownSync(file, uid, gid);
  }
  const args = ['-q', file];
  const child = isRoot
    ? spawn('setpriv', ['--reuid=postgres', '--regid=postgres', '--init-groups', 'pgbouncer', ...args], { stdio: 'ignore', cwd: directory })
    : spawn('pgbouncer', args, { stdio: 'ignore', cwd: directory });
  const pid = keep(child);
  await listens(port, 'pgbouncer');
  const dsn = (database, user = 'postgres') => `postgresql://${user}@127.0.0.1:${port}/${database}`;
  return { port, pid, dsn };
}

// redis-server with arguments, or a Sentinel with a file of settings: { port, pid, url }.
export async function startRedisWith(args, { tls, user = '', config } = {}) {
  const directory = temporaryDirectory('redis-with');
  const port = await freePort();
  const ports = tls
    ? ['--port', '0', '--tls-port', String(port), '--tls-cert-file', tls.cert, '--tls-key-file', tls.key,
       '--tls-ca-cert-file', tls.ca, '--tls-auth-clients', 'no']
    : ['--port', String(port)];
  const bind = args.includes('--bind') ? [] : ['--bind', '127.0.0.1'];
  const kind = config ? [config, ...ports, ...bind, '--sentinel'] : [...ports, ...bind, '--dir', directory, '--save', '', ...args];
  const child = spawn('redis-server', kind,
    { stdio: 'ignore', cwd: directory });
  const pid = keep(child);
  await listens(port, 'Redis');
  return { port, pid, directory, url: `redis${tls ? 's' : ''}://${user}127.0.0.1:${port}/0` };
}
