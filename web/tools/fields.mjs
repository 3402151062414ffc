// fields.mjs FIELDS.def OUTPUT.ts: the fields that a batch may change, from the table by which the service validates.

import { readFileSync, writeFileSync } from 'node:fs';

const [table, output] = process.argv.slice(2);

const text = readFileSync(table, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
const isTrue = (word) => word === 'TRUE';
const lines = [...text.matchAll(/\bBATCH_FIELD\(([^)]*)\)/g)].map(([, list]) => {
  const [entity, name, , type, lowest, highest, decimals, isNullable, isInternal] = list.split(',').map((part) => part.trim());
  if (isInternal === undefined) throw new Error(`${table}: not a field: ${list}`);
  return {
    entity: entity.toLowerCase(), isInternal: isTrue(isInternal),
    field: {
      name: JSON.parse(name), type: type.toLowerCase(), lowest: Number(lowest), highest: Number(highest), decimals: Number(decimals),
      isNullable: isTrue(isNullable),
    },
  };
});
const fieldsOf = (wanted) => lines.filter(({ entity, isInternal }) => entity === wanted && !isInternal).map(({ field }) => field);
const fields = Object.fromEntries(['users', 'keys', 'providers'].map((entity) => [entity, fieldsOf(entity)]));
for (const [entity, found] of Object.entries(fields)) if (found.length === 0) throw new Error(`${table}: no field of ${entity}`);

writeFileSync(output, `// Generated from fields.def.

import type { DefinedField, Entity } from './model';

export const definedFields: Record<Entity, DefinedField[]> = ${JSON.stringify(fields, null, 2)};
`);
