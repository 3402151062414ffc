// Stops everything that a test file started and removes everything that it wrote, however the file ends. Every server,
// process and directory registers here, and is cleaned up, last first, when Node exits. Nothing is ended by name.

import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const actions = [];

// Runs `action` (synchronous) at the end; returns a function that cancels this.
export function atExit(action) {
  actions.push(action);
  return () => {
    const index = actions.indexOf(action);
    if (index >= 0) actions.splice(index, 1);
  };
}

process.on('exit', () => {
  for (const action of actions.splice(0).reverse()) {
    try {
      action();
    } catch (error) {
      process.stderr.write(`cleaning up: ${error.stack}\n`);
    }
  }
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

// A private directory, removed at the end.
export function temporaryDirectory(name, mode = 0o755) {
  const directory = mkdtempSync(path.join(os.tmpdir(), `cch-test-${name}-`));
  chmodSync(directory, mode);
  atExit(() => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  return directory;
}

export function sleepSync(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

// Whether a process runs; a zombie does not.
export function isRunning(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !'ZX'.includes(stat[stat.lastIndexOf(')') + 2]);
  } catch {
    return false;
  }
}

// Sends a signal; a process that has ended is not an error.
export function signal(pid, name) {
  if (!(pid > 1)) throw new Error(`no process: ${pid}`); // 0 is this one and its group
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

// Ends a process that we started: by the signal `name`, and by SIGKILL if it still runs after `graceMs`.
export function endSync(pid, name = 'SIGTERM', graceMs = 5000) {
  if (!isRunning(pid)) return;
  signal(pid, name);
  for (const until = Date.now() + graceMs; Date.now() < until && isRunning(pid); ) sleepSync(10);
  if (isRunning(pid)) signal(pid, 'SIGKILL');
}
