// Runs programs to their end without blocking the tests' event loop.

import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

// `env` is added to ours, `onlyEnv` replaces it. Resolves to { code, signal, stdout, stderr }; rejects when the program cannot
// be started, or does not end in time.
export function run(program, args, { env, onlyEnv, input, cwd, timeoutMs = 120_000, encoding = 'utf8' } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: onlyEnv ?? { ...process.env, ...env }, cwd, stdio: 'pipe' });
    const output = { stdout: [], stderr: [] };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${program} ${args.join(' ')}: no end after ${timeoutMs} ms`));
    }, timeoutMs);
    for (const name of ['stdout', 'stderr']) child[name].on('data', (chunk) => output[name].push(chunk));
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const text = (name) => (encoding ? Buffer.concat(output[name]).toString(encoding) : Buffer.concat(output[name]));
      resolve({ code, signal, stdout: text('stdout'), stderr: Buffer.concat(output.stderr).toString() });
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

// Like run, for a program that must succeed.
export async function runOk(program, args, options) {
  const result = await run(program, args, options);
  if (result.code !== 0) {
    throw new Error(`${program} ${args.join(' ')}: exit code ${result.code ?? result.signal}\n${result.stderr}`);
  }
  return result;
}

// Waits until `condition` (may be asynchronous) is true and returns its value.
export async function until(what, condition, timeoutMs = 20_000, intervalMs = 20) {
  for (const end = Date.now() + timeoutMs; ; ) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`);
    await delay(intervalMs);
  }
}
