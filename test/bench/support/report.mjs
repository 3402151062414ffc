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

// The page around one part's section, between its two comments: [before, section, after].
function cutPage(page, part) {
  const [begin, end] = [`<!-- ${part}: written by make bench -->`, `<!-- ${part}: end -->`];
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  if (from < begin.length || to < from) throw new Error(`${page} has no place for ${part}`);
  return [text.slice(0, from), text.slice(from, to), text.slice(to)];
}

export function writeSection(page, part, text) {
  const [before, , after] = cutPage(page, part);
  writeFileSync(page, `${before}\n\n${text}\n\n${after}`);
}

// The ratios of our ways in a section's table: the first cell of a row → the cell below the first "times as fast".
function ratiosOf(section) {
  const rows = section.split('\n').filter((line) => line.startsWith('|')).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
  const column = rows[0]?.findIndex((heading) => heading.startsWith('times as fast')) ?? -1;
  return new Map(rows.slice(2).filter((row) => column > 0 && Number(row[column]) > 0 && !row[0].startsWith('pg_')).map((row) => [row[0], Number(row[column])]));
}

// Compares the ratios of a part with those on the page; a row that has lost more than `margin` is marked. Returns Markdown and
// whether no row is.
export function compareSection(page, part, text, margin) {
  const [, section] = cutPage(page, part);
  const now = ratiosOf(text);
  const rows = [...ratiosOf(section)].map(([name, before]) => [name, before, now.get(name)]);
  const isSlower = ([, before, after]) => !(after >= before * (1 - margin));
  return {
    isGood: rows.length > 0 && !rows.some(isSlower),
    text: table(['', 'times as fast, on the page', 'now', ''], rows.map((row) => [row[0], ratio(row[1]), row[2] === undefined ? 'missing' : ratio(row[2]), isSlower(row) ? '**slower**' : ''])),
  };
}
