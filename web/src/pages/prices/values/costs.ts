// The costs of a model, in any unit: tokens, images, seconds, pixels, sessions …

import { compareDecimals, Exact, isDecimal, isObject, shift, type Json, type JsonObject } from './exact';
import { isPerToken, PER_MILLION } from './fields';

const isCostName = (name: string) => /(^|_)costs?(_|$)/.test(name);

export interface Cost {
  field: string;
  what: string; // "input", "cache_read_input", "code_interpreter"; may be empty
  unit: string; // "pixel"; "token" is a million of them
  note: string; // "above_200k_tokens"; may be empty
  low: string; // decimals: the lowest and the highest of several prices by size
  high: string;
}

// All numbers in a value that are costs by their own name or by that of a surrounding member.
function amountsOf(value: Json | undefined, isCost: boolean): string[] {
  if (value instanceof Exact) return isCost && isDecimal(value.text) ? [value.text] : [];
  if (Array.isArray(value)) return value.flatMap((item) => amountsOf(item, isCost));
  if (isObject(value)) return Object.entries(value).flatMap(([name, item]) => amountsOf(item, isCost || isCostName(name)));
  return [];
}

const isZero = (amount: string) => compareDecimals(amount, '0') === 0;

// Whether a model is known to be free.
export function isFree(data: JsonObject): boolean {
  const amounts = amountsOf(data, false);
  return amounts.length > 0 && amounts.every(isZero);
}

const VARIANT = /_(above_\w+|batches|batch_requests|priority|flex)$/;

// The parts of a name like "output_cost_per_image_above_512_and_512_pixels".
function partsOf(field: string): Pick<Cost, 'what' | 'unit' | 'note'> {
  const note = VARIANT.exec(field)?.[1] ?? '';
  const name = note === '' ? field : field.slice(0, -note.length - 1);
  const counted = /^(.*?)_?costs?_per_(.+)$/.exec(name);
  if (counted) return { what: counted[1]!, unit: counted[2]!, note };
  const token = /^(.*?)_?token_costs?$/.exec(name);
  return token ? { what: token[1]!, unit: 'token', note } : { what: name, unit: '', note };
}

// Costs with a column of their own.
const shownApart = ['input_cost_per_token', 'output_cost_per_token', 'cache_read_input_token_cost', 'cache_creation_input_token_cost'];

// The costs without a column that are not zero, those that are not per token first.
export function otherCosts(data: JsonObject): Cost[] {
  const found = Object.entries(data).flatMap(([field, value]) => {
    if (!isCostName(field) || shownApart.includes(field)) return [];
    const places = isPerToken(field) ? PER_MILLION : 0;
    const amounts = amountsOf(value, true).filter((amount) => !isZero(amount)).sort(compareDecimals);
    if (amounts.length === 0) return [];
    return [{ field, ...partsOf(field), low: shift(amounts[0]!, places), high: shift(amounts.at(-1)!, places) }];
  });
  const rank = ({ field }: Cost) => (isPerToken(field) ? 1 : 0);
  return found.sort((one, other) => rank(one) - rank(other));
}
