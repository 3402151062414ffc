// The fields with an input of their own, and the display of prices per million tokens, by moving the decimal point.

import { compareDecimals, emptyObject, Exact, isDecimal, isObject, parseExact, shift, type Json, type JsonObject } from './exact';

// The number of places by which a price's decimal point moves between storage and display.
export const PER_MILLION = 6;

export type Kind = 'text' | 'price' | 'count' | 'switch';

export interface Field {
  name: string; // as stored
  kind: Kind;
  places: number; // by which the decimal point of a price moves
  unit?: 'million' | 'image' | 'request';
}

const text = (name: string): Field => ({ name, kind: 'text', places: 0 });
const perToken = (name: string): Field => ({ name, kind: 'price', places: PER_MILLION, unit: 'million' });

export const fields = [
  text('mode'), text('display_name'), text('litellm_provider'), text('vendor'),
  perToken('input_cost_per_token'), perToken('output_cost_per_token'), perToken('cache_read_input_token_cost'),
  perToken('cache_creation_input_token_cost'), perToken('cache_creation_input_token_cost_above_1hr'),
  { name: 'output_cost_per_image', kind: 'price', places: 0, unit: 'image' },
  { name: 'input_cost_per_request', kind: 'price', places: 0, unit: 'request' },
  { name: 'max_input_tokens', kind: 'count', places: 0 },
  { name: 'max_output_tokens', kind: 'count', places: 0 },
  { name: 'supports_prompt_caching', kind: 'switch', places: 0 },
] as const satisfies readonly Field[];

// "input_cost_per_token_above_200k_tokens" and the like are per token, too; images, seconds and so on are not.
const tokenWords = /(^|_)token(_|$)/;
const otherWords = /(^|_)(image|audio|second|character|pixel|query|request)(_|$)/;
export const isPerToken = (name: string): boolean => /(^|_)costs?(_|$)/.test(name) && tokenWords.test(name) && !otherWords.test(name);

// A stored price per token as the price of a million; undefined when it is not a number.
export const perMillion = (value: Json | undefined): string | undefined =>
  value instanceof Exact && isDecimal(value.text) ? shift(value.text, PER_MILLION) : undefined;

// The input's text for a stored value; undefined when the input cannot hold it.
export function toInput(field: Field, value: Json | undefined): string | undefined {
  if (value === undefined) return '';
  switch (field.kind) {
    case 'text': return typeof value === 'string' && value !== '' ? value : undefined;
    case 'switch': return typeof value === 'boolean' ? String(value) : undefined;
    default: return value instanceof Exact && isDecimal(value.text) ? shift(value.text, field.places) : undefined;
  }
}

export type Problem = 'notNumber' | 'negative' | 'notWhole' | 'tooLong';

const MAX_NUMBER = 120;

// The problem of a typed text; undefined: none.
export function problemOf(field: Field, typed: string): Problem | undefined {
  const value = typed.trim();
  if (value === '' || field.kind === 'text' || field.kind === 'switch') return undefined;
  if (!isDecimal(value)) return 'notNumber';
  if (value.length > MAX_NUMBER || Math.abs(Number(/[eE](.*)$/.exec(value)?.[1] ?? 0)) > 100) return 'tooLong';
  if (compareDecimals(value, '0') < 0) return 'negative';
  if (field.kind === 'count' && shift(value, 0).includes('.')) return 'notWhole';
  return undefined;
}

// The value to store; undefined for none. The typed text must have no problem.
export function fromInput(field: Field, typed: string): Json | undefined {
  const value = typed.trim();
  if (value === '') return undefined;
  if (field.kind === 'text') return value;
  if (field.kind === 'switch') return value === 'true';
  return new Exact(shift(value, -field.places));
}

export type Warning = 'looksPerToken' | 'tenfold' | 'zero';

// A doubt about a price that may be right. `before` is the stored value.
export function warningOf(field: Field, typed: string, before: Json | undefined): Warning | undefined {
  const value = typed.trim();
  if (field.kind !== 'price' || value === '' || problemOf(field, typed)) return undefined;
  const old = before instanceof Exact && isDecimal(before.text) ? shift(before.text, field.places) : undefined;
  if (old !== undefined && compareDecimals(old, '0') > 0) {
    if (compareDecimals(value, '0') === 0) return 'zero';
    if (compareDecimals(value, shift(old, 1)) > 0 || compareDecimals(shift(value, 1), old) < 0) return 'tenfold';
  }
  return field.unit === 'million' && compareDecimals(value, '5000') >= 0 ? 'looksPerToken' : undefined;
}

// The text of each field's input, and the fields without one.
export function splitData(data: JsonObject): { inputs: Record<string, string>; others: JsonObject } {
  const others: JsonObject = Object.assign(emptyObject(), data);
  const inputs: Record<string, string> = {};
  for (const field of fields) {
    const input = toInput(field, data[field.name]);
    inputs[field.name] = input ?? '';
    if (input !== undefined) delete others[field.name];
  }
  return { inputs, others };
}

// The other fields as typed; undefined when the text is not a JSON object.
export function parseOthers(typed: string): JsonObject | undefined {
  if (typed.trim() === '') return emptyObject();
  const value = parseExact(typed);
  return isObject(value) ? value : undefined;
}
