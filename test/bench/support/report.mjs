// Tables in Markdown, the description of the machine, and their place in docs/benchmarks.md.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const MB = 1024 * 1024;

export const seconds = (value) => (value === null ? '' : `${value.toFixed(value < 1 ? 2 : 1)} s`);
export const milliseconds = (value) => (value === null ? '' : `${Math.round(value)} ms`);
export const megabytes = (value) => (value === null ? '' : `${(value / MB).toFixed(value < 10 * MB ? 1 : 0)} MB`);
export const ratio = (value) => (Number.isFinite(value) ? value.toFixed(2) : '');

// `columns`: the headings; the first column is text, the others are numbers.
export function table(columns, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map((_, i) => (i ? '--:' : '---'))), ...rows.map(line)].join('\n');
}

export function machine(binDir) {
  const version = execFileSync(path.join(binDir, 'postgres'), ['--version'], { encoding: 'utf8' });
  const cpus = os.cpus();
  return `${new Date().toISOString().slice(0, 10)}, ${cpus[0].model.trim()}, ${cpus.length} cores, ` +
    `${Math.round(os.totalmem() / 2 ** 30)} GB, Linux ${os.release()}, PostgreSQL ${/[\d.]+/.exec(version)[0]}`;
}

// Replaces one part's section of the page, between its two comments.
export function writeSection(page, part, text) {
  const [begin, end] = [`<!-- ${part}: written by make bench -->`, `<!-- ${part}: end -->`];
  const old = readFileSync(page, 'utf8');
  const [from, to] = [old.indexOf(begin), old.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${page} has no place for ${part}`);
  writeFileSync(page, `${old.slice(0, from + begin.length)}\n\n${text}\n\n${old.slice(to)}`);
}
