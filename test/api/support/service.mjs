// The real binary: `cch-data serve` as a separate process, and the other commands.

import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { atExit, endSync, isRunning, signal, temporaryDirectory } from './cleanup.mjs';
import { checkAnswer } from './openapi.mjs';
import { run, until } from './run.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const binary = path.resolve(root, process.env.CCH_DATA_BINARY ?? 'build/src/cch-data');
export const isSanitized = process.env.CCH_SANITIZED === '1';
export const haveBinary = existsSync(binary);
export const adminToken = 'token-of-the-tests-0123456789';

// The tests' own environment must not leak into the binary.
function environment(extra) {
  const env = {};
  for (const name of ['PATH', 'HOME', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS', 'TMPDIR']) {
    if (process.env[name] !== undefined) env[name] = process.env[name];
  }
  env.LANG = 'C.UTF-8';
  env.CCH_DATA_DRILL_MAX_LOAD = '0'; // the machine of the tests is busy
  for (const [name, value] of Object.entries(extra)) if (value !== undefined) env[name] = String(value);
  return env;
}

// Runs one subcommand to its end; the environment has the database's DSN.
export function cli(args, { dsn, env = {}, ...options } = {}) {
  return run(binary, args, { ...options, onlyEnv: environment({ DSN: dsn, ...env }) });
}

// Starts one subcommand, which can be killed: { pid, ended } with `ended` resolving to { code, signal, stdout, stderr }.
export function startCli(args, { dsn, env = {} } = {}) {
  const child = spawn(binary, args, { env: environment({ DSN: dsn, ...env }), stdio: ['ignore', 'pipe', 'pipe'] });
  atExit(() => endSync(child.pid, 'SIGKILL'));
  const output = { stdout: '', stderr: '' };
  for (const name of Object.keys(output)) child[name].setEncoding('utf8').on('data', (chunk) => (output[name] += chunk));
  const ended = new Promise((resolve) => child.on('close', (code, name) => resolve({ code, signal: name, ...output })));
  return { pid: child.pid, ended };
}

export class Service {
  // Starts the service and waits until it listens. Every option of the table can be given in `env`.
  static async start({ dsn, redisUrl, token = adminToken, env = {}, tempDir, dataDir, args = [] } = {}) {
    const service = new Service();
    service.tempDir = tempDir ?? temporaryDirectory('tmp', 0o700);
    service.dataDir = dataDir ?? temporaryDirectory('data', 0o755);
    service.token = token;
    service.logPath = path.join(temporaryDirectory('log'), 'log');
    const log = openSync(service.logPath, 'a', 0o600);
    const child = spawn(binary, ['serve', ...args], {
      env: environment({
        DSN: dsn, REDIS_URL: redisUrl, ADMIN_TOKEN: token, LISTEN_PORT: 0, TEMP_DIR: service.tempDir,
        DATA_DIR: service.dataDir, PRICE_SYNC_INTERVAL: 0, ...env,
      }),
      stdio: ['ignore', log, log],
      cwd: '/',
    });
    closeSync(log);
    child.unref();
    service.pid = child.pid;
    service.exit = new Promise((resolve) => child.on('exit', (code, name) => resolve({ code, signal: name })));
    child.on('exit', (code) => (service.exitCode = code));
    atExit(() => {
      signal(child.pid, 'SIGCONT');
      endSync(child.pid);
    });
    service.url = await until(
      'the address of the service',
      () => {
        if (!isRunning(service.pid)) throw new Error(`the service ended:\n${service.log()}`);
        return /http:\/\/[^\s"/]*:\d+/.exec(service.log())?.[0];
      },
      60_000,
    );
    service.port = Number(new URL(service.url).port);
    return service;
  }

  log() {
    return readFileSync(this.logPath, 'utf8');
  }

  async stop(name = 'SIGTERM', timeoutMs = 20_000) {
    if (isRunning(this.pid)) signal(this.pid, name);
    await until(`the end of the service after ${name}`, () => !isRunning(this.pid), timeoutMs);
  }

  // A request as the administrator, unless `headers` say otherwise. Checks JSON against docs/openapi.json.
  async fetch(target, { headers = {}, method = 'GET', ...options } = {}) {
    const response = await fetch(this.url + target, {
      ...options, method,
      headers: { ...(this.token ? { authorization: `Bearer ${this.token}` } : {}), ...headers },
    });
    const answer = { method, target, status: response.status, type: response.headers.get('content-type') ?? '' };
    response.json = async () => {
      const body = JSON.parse(await response.text());
      checkAnswer(answer, body);
      return body;
    };
    return response;
  }

  async status() {
    return (await this.fetch('/api/admin/database/status')).json();
  }

  rssBytes() {
    return rssBytes(this.pid);
  }

  children() {
    return children(this.pid);
  }

  tempFiles() {
    return readdirSync(this.tempDir);
  }
}

// The current resident set of a process.
export function rssBytes(pid) {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

// The peak resident set of a process.
export function peakRssBytes(pid) {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

// Running child processes: [{ pid, name }].
export function children(pid) {
  const found = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(parent) === pid && !'ZX'.includes(state)) {
        found.push({ pid: Number(entry), name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')) });
      }
    } catch {
      // The process has ended.
    }
  }
  return found;
}
