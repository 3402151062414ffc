// Suspicious changes, which are left out until somebody confirms them.

import { countOf, type Change, type Report } from '../api';
import { Exact, isDecimal, isObject, type Json } from '../values/exact';

// Codes of the service's warnings about prices: docs/prices.md.
const isAboutSize = (code: string) => code.startsWith('moved_') || code === 'looks_per_million';

export interface Outlier {
  change: Change;
  reasons: string[];
  factor: number | null; // new / old of the price with the largest change; null for a new price
}

// "tiered_pricing[1].input_cost_per_token" in the fields of a change.
function valueAt(change: Change, path: string, side: 'old' | 'new'): Json | undefined {
  const [name = '', ...steps] = path.split(/[.[\]]+/).filter(Boolean);
  let value: Json | undefined = change.fields.find(({ field }) => field === name)?.[side];
  for (const step of steps) value = Array.isArray(value) ? value[Number(step)] : isObject(value) ? value[step] : undefined;
  return value;
}

const numberOf = (value: Json | undefined) => (value instanceof Exact && isDecimal(value.text) ? Number(value.text) : null);

function factorAt(change: Change, path: string | undefined): number | null {
  if (path === undefined) return null;
  const old = numberOf(valueAt(change, path, 'old'));
  const now = numberOf(valueAt(change, path, 'new'));
  return old === null || now === null || old === 0 ? null : now / old;
}

// The distance of a factor from 1, in powers of ten; a factor of zero is the farthest.
const distance = (factor: number | null) => (factor === null ? 0 : factor === 0 ? Infinity : Math.abs(Math.log10(factor)));

export function outliersOf(report: Report): Outlier[] {
  const warnings = Map.groupBy(report.warnings.filter(({ code }) => isAboutSize(code)), ({ modelName }) => modelName);
  const found = (report.changes ?? []).flatMap((change) => {
    const about = warnings.get(change.modelName);
    if (!about) return [];
    const factors = about.map(({ field }) => factorAt(change, field));
    return [{ change, reasons: about.map(({ reason }) => reason), factor: factors.sort((one, other) => distance(other) - distance(one))[0] ?? null }];
  });
  return found.sort((one, other) => distance(other.factor) - distance(one.factor));
}

// The choices in a report: manual prices to overwrite, and models to leave out.
export interface Choice {
  overwrite: string[];
  leftOut: ReadonlySet<string>;
}

export const defaultChoice = (report: Report): Choice => ({ overwrite: [], leftOut: new Set(outliersOf(report).map(({ change }) => change.modelName)) });

// The number of changes that are applied.
export function changeCount(report: Report, { overwrite, leftOut }: Choice): number {
  const names = [...(report.changes ?? []).map(({ modelName }) => modelName), ...report.removed];
  return names.filter((name) => !leftOut.has(name)).length + overwrite.length;
}

export const modelsIn = (report: Report): number => countOf(report.total);
