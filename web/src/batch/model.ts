// The fields of a batch, and how its rows are split; uses neither page nor network.

import { definedFields } from './fields.gen';

export type Entity = 'users' | 'keys' | 'providers';
export type Value = string | number | boolean | string[] | null;
export type TagChange = { add: string[] } | { remove: string[] };
export type Updates = Record<string, Value | TagChange>;

// A line of the service's table of fields. A range bounds a number's value, a text's characters or a list's length.
export interface DefinedField {
  name: string; // in a batch
  type: string;
  lowest: number;
  highest: number;
  decimals: number;
  isNullable: boolean;
}

// JSON has no editor here.
const editors = ['text', 'group', 'tags', 'list', 'integer', 'decimal', 'boolean', 'mode', 'clock'] as const;

export interface Field extends DefinedField {
  member: string; // in an item of the list
  type: (typeof editors)[number];
}

const memberOf = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

// A provider's groups are also a list of names, although the service stores them as written.
const editorOf = ({ name, type }: DefinedField) => (name === 'group_tag' ? 'group' : editors.find((known) => known === type));

function fieldsOf(entity: Entity): Field[] {
  return definedFields[entity].flatMap((defined) => {
    const type = editorOf(defined);
    return type ? [{ ...defined, member: memberOf(defined.name), type }] : [];
  });
}

export const FIELDS: Record<Entity, Field[]> = { users: fieldsOf('users'), keys: fieldsOf('keys'), providers: fieldsOf('providers') };

// The most that the service takes in one batch.
export const BATCH_SIZE = 500;

export function chunk<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let i = 0; i < items.length; i += size) chunks.push(items.slice(i, i + size));
  return chunks;
}

// Batches of at most `size`. Rows of one owner stay together as far as they fit, so that no rule about an owner's rows is broken
// between two batches.
export function chunkByOwner(ids: readonly number[], ownerOf: (id: number) => number | undefined, size: number): number[][] {
  const byOwner = new Map<number | string, number[]>();
  for (const id of ids) {
    const owner = ownerOf(id) ?? `none ${id}`;
    const group = byOwner.get(owner);
    if (group) group.push(id);
    else byOwner.set(owner, [id]);
  }
  const chunks: number[][] = [];
  let open: number[] = [];
  for (const group of byOwner.values()) {
    if (open.length > 0 && open.length + group.length > size) {
      chunks.push(open);
      open = [];
    }
    for (const id of group) {
      if (open.length === size) {
        chunks.push(open);
        open = [];
      }
      open.push(id);
    }
  }
  if (open.length > 0) chunks.push(open);
  return chunks;
}

export type Current = { kind: 'loading' } | { kind: 'same'; value: Value } | { kind: 'mixed'; values: Value[] };

// The present values of rows in a field: one value, or several.
export function currentOf(rowValues: readonly Value[]): Current {
  const found = new Map<string, Value>();
  for (const value of rowValues) found.set(JSON.stringify(value ?? null), value ?? null);
  const values = [...found.values()];
  return values.length <= 1 ? { kind: 'same', value: values[0] ?? null } : { kind: 'mixed', values };
}

// The display "a, b" of a list of names that is stored as one text.
export function splitGroups(text: string | null | undefined): string[] {
  return (text ?? '').split(/[,，\n]/).map((part) => part.trim()).filter((part) => part !== '');
}

export type Draft = { value: Value | undefined; mode: 'replace' | 'add' | 'remove' };
export type Problem = 'required' | 'not_a_number' | 'out_of_range' | 'not_a_time' | 'too_many_decimals' | 'too_long' | 'too_many';

const decimalsOf = (text: string) => /^-?\d+(?:\.(\d*))?$/.exec(text)?.[1]?.replace(/0+$/, '').length ?? 0;

// The problem of a value, by the same rules as the service's; null: none.
export function problemOf(field: Field, draft: Draft): Problem | null {
  const { value } = draft;
  if (field.type === 'tags') {
    const tags = (value ?? []) as string[];
    if (draft.mode !== 'replace' && tags.length === 0) return 'required';
    if (tags.some((tag) => [...tag].length > 32)) return 'too_long';
    return tags.length > field.highest ? 'too_many' : null;
  }
  if (field.type === 'list') return ((value ?? []) as string[]).length > field.highest ? 'too_many' : null;
  if (value === undefined || value === null || value === '') return field.isNullable ? null : 'required';
  if (field.type === 'clock') return /^([01]\d|2[0-3]):[0-5]\d$/.test(String(value)) ? null : 'not_a_time';
  if (field.type === 'text' || field.type === 'group') {
    return [...String(value)].length > field.highest ? 'too_long' : null;
  }
  if (field.type === 'integer' || field.type === 'decimal') {
    const text = String(value).trim();
    if (!/^-?\d+(\.\d*)?$/.test(text)) return 'not_a_number';
    if (decimalsOf(text) > field.decimals) return 'too_many_decimals';
    const number = Number(text);
    return number < field.lowest || number > field.highest ? 'out_of_range' : null;
  }
  return null;
}

// A draft in the form of the request.
export function updateOf(field: Field, draft: Draft): Value | TagChange {
  const { value, mode } = draft;
  if (field.type === 'tags') {
    const tags = (value ?? []) as string[];
    return mode === 'add' ? { add: tags } : mode === 'remove' ? { remove: tags } : tags;
  }
  if (field.type === 'list') return value ?? [];
  if (value === undefined || value === null || value === '') return null;
  return field.type === 'integer' || field.type === 'decimal' ? Number(String(value).trim()) : value;
}
