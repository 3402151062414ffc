// The cost of a program: seconds, processor time, resident memory. Everything is read from Linux's /proc.

import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { peakRssBytes, rssBytes } from '../../api/support/service.mjs';

const TICKS_PER_SECOND = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout);
const POLL_MS = 20;

// Direct children of a process, from all of its threads.
function childrenOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').split(' ').filter(Boolean).map(Number));
  } catch {
    return []; // it has ended
  }
}

// Processor seconds of a process so far: { own, ended } (`ended`: of children that it has waited for).
function processorSeconds(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [user, system, childUser, childSystem] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 15).map(Number);
    return { own: (user + system) / TICKS_PER_SECOND, ended: (childUser + childSystem) / TICKS_PER_SECOND };
  } catch {
    return { own: 0, ended: 0 };
  }
}

// The same for a process and its children, both running and ended.
function treeSeconds(pid) {
  const { own, ended } = processorSeconds(pid);
  return childrenOf(pid).reduce((sum, child) => sum + treeSeconds(child), own + ended);
}

// Follows the largest resident set of each process below `pid` (and of itself) until `stop`, which returns
// { process, all } in bytes: of `pid` alone, and the sum of all.
function watchMemory(pid) {
  const peaks = new Map();
  const look = (id) => {
    try {
      peaks.set(id, Math.max(peaks.get(id) ?? 0, peakRssBytes(id)));
    } catch {
      return; // it has ended
    }
    childrenOf(id).forEach(look);
  };
  look(pid);
  const timer = setInterval(() => look(pid), POLL_MS);
  return {
    stop() {
      clearInterval(timer);
      look(pid);
      return { process: peaks.get(pid) ?? 0, all: [...peaks.values()].reduce((sum, bytes) => sum + bytes, 0) };
    },
  };
}

// Runs a program to its end; it must succeed. Returns { seconds, processorSeconds, serverSeconds, memory, aboveIdle,
// stdout, stderr }. With `service`, a program that only talks to it, processor time and memory are the service's;
// `aboveIdle` is the growth of its own process. `server` is the PostgreSQL whose backends work for it.
export async function measure(program, args, { env, service, server }) {
  const before = { own: processorSeconds('self').ended, server: treeSeconds(server.pid) };
  const watched = service?.pid;
  if (watched) {
    before.own = treeSeconds(watched);
    before.resident = rssBytes(watched);
    writeFileSync(`/proc/${watched}/clear_refs`, '5'); // resets the peak
  }
  const start = process.hrtime.bigint();
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const memory = watchMemory(watched ?? child.pid);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].on('data', (chunk) => (output[name] += chunk));
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (...how) => resolve(how));
  });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const peak = memory.stop();
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${code ?? signal}\n${output.stdout}\n${output.stderr}`);
  return {
    seconds,
    processorSeconds: (watched ? treeSeconds(watched) : processorSeconds('self').ended) - before.own,
    serverSeconds: treeSeconds(server.pid) - before.server,
    memory: peak.all,
    aboveIdle: watched ? peak.process - service.idleBytes : null,
    ...output,
  };
}

// Runs every way once in each round. Each round begins with another way, so that a slower machine affects all of them.
// Returns a Map from way to its results. `ways`: [{ name, run }].
export async function alternate(ways, rounds, log) {
  const results = new Map(ways.map((way) => [way, []]));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < ways.length; i++) {
      const way = ways[(i + round) % ways.length];
      const result = await way.run(round);
      log(`${way.name}: ${result.seconds.toFixed(2)} s`);
      results.get(way).push(result);
    }
  }
  return results;
}

export function median(values) {
  const sorted = values.filter((value) => value !== null && value !== undefined).sort((a, b) => a - b);
  if (!sorted.length) return null;
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
