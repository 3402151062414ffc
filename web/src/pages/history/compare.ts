// The values before and after, as a list of fields. Whatever the shape of the recorded JSON, a field is a name with two values.

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

export interface FieldChange {
  path: Step[];
  before: Json | undefined; // undefined: absent
  after: Json | undefined;
  isSame: boolean;
}

// A member's name, or a row of a table.
export type Step = string | { entity: string; id: number; name: string | null };

const isObject = (value: Json | undefined): value is { [name: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isRow = (value: Json): value is { entity: string; id: number; name?: string; values: { [name: string]: Json } } =>
  isObject(value) && typeof value.entity === 'string' && typeof value.id === 'number' && isObject(value.values);

const keyOf = (path: Step[]) => path.map((step) => (typeof step === 'string' ? step : `${step.entity} ${step.id}`)).join('\n');

// All values without parts, with their paths. A list of plain values is one value; a list of rows has the rows' values.
function leaves(value: Json, path: Step[], found: Map<string, { path: Step[]; value: Json }>): void {
  if (isObject(value) && Object.keys(value).length > 0) {
    for (const [name, part] of Object.entries(value)) {
      const isRows = Array.isArray(part) && part.length > 0 && part.every(isRow);
      leaves(part, isRows ? path : [...path, name], found);
    }
  } else if (Array.isArray(value) && value.some((item) => typeof item === 'object' && item !== null)) {
    value.forEach((item, index) => {
      if (isRow(item)) leaves(item.values, [...path, { entity: item.entity, id: item.id, name: item.name ?? null }], found);
      else leaves(item, [...path, String(index + 1)], found);
    });
  } else {
    found.set(keyOf(path), { path, value });
  }
}

export function compare(before: Json | undefined, after: Json | undefined): FieldChange[] {
  const sides = [before, after].map((side) => {
    const found = new Map<string, { path: Step[]; value: Json }>();
    if (side !== undefined && side !== null) leaves(side, [], found);
    return found;
  });
  const [old, now] = sides as [Map<string, { path: Step[]; value: Json }>, Map<string, { path: Step[]; value: Json }>];
  return [...new Set([...old.keys(), ...now.keys()])].map((key) => {
    const was = old.get(key);
    const is = now.get(key);
    return {
      path: (was ?? is)!.path, before: was?.value, after: is?.value,
      isSame: was !== undefined && is !== undefined && JSON.stringify(was.value) === JSON.stringify(is.value),
    };
  });
}
