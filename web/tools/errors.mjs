// errors.mjs ERRORS.def OUTPUT.ts: what each errorCode says, for failures that the service has only recorded by their code.

import { readFileSync, writeFileSync } from 'node:fs';

const [table, output] = process.argv.slice(2);

const text = readFileSync(table, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
const literal = String.raw`("(?:[^"\\]|\\.)*")`;
const line = new RegExp(String.raw`\bCCH_ERROR_DEF\(\w+,\s*\d+,\s*\d+,\s*${literal},\s*${literal},\s*${literal}\)`, 'g');
const errors = Object.fromEntries([...text.matchAll(line)].map(([, code, zh, en]) => [JSON.parse(code), [JSON.parse(zh), JSON.parse(en)]]));
const expected = text.split('CCH_ERROR_DEF(').length - 1;
if (expected === 0 || Object.keys(errors).length !== expected) throw new Error(`${table}: ${Object.keys(errors).length} of ${expected} errors were read`);

writeFileSync(output, `// Generated from errors.def.

export const errorTexts: Record<string, readonly [zh: string, en: string]> = ${JSON.stringify(errors, null, 2)};
`);
