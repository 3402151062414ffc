// Checks real responses against docs/openapi.json, from which the pages' types are generated: every member of every response
// in a test must be described.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

export const apiDocument = JSON.parse(readFileSync(new URL('../../../docs/openapi.json', import.meta.url), 'utf8'));

const typeNames = {
  null: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => Number.isInteger(value),
  number: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string',
  array: (value) => Array.isArray(value),
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

const formats = { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/ };

const own = (object, name) => (Object.hasOwn(object ?? {}, name) ? object[name] : undefined);

// Checks of keywords: (the keyword's value, the value, its path, the schema) → problems as sentences. Other keywords are refused, so
// that the document has no unchecked statement.
const keywords = {
  $ref: (name, value, at) => problems(lookUp(name), value, at),
  type: (types, value, at) =>
    [types].flat().some((type) => typeNames[type](value)) ? [] : [`${at} is ${show(value)}, not of type ${[types].flat().join(' or ')}`],
  enum: (values, value, at) => (values.includes(value) ? [] : [`${at} is ${show(value)}, none of ${values.join(', ')}`]),
  const: (wanted, value, at) => (value === wanted ? [] : [`${at} is ${show(value)}, not ${show(wanted)}`]),
  format: (name, value, at) =>
    typeof value !== 'string' || formats[name].test(value) ? [] : [`${at} is ${show(value)}, no ${name}`],
  minimum: (least, value, at) => (typeof value !== 'number' || value >= least ? [] : [`${at} is ${value}, less than ${least}`]),
  maximum: (most, value, at) => (typeof value !== 'number' || value <= most ? [] : [`${at} is ${value}, more than ${most}`]),
  anyOf: (schemas, value, at) => {
    const all = schemas.map((schema) => problems(schema, value, at));
    return all.some((some) => some.length === 0) ? [] : all.reduce((least, some) => (some.length < least.length ? some : least));
  },
  items: (schema, value, at) =>
    Array.isArray(value) ? value.flatMap((item, i) => problems(schema, item, `${at}[${i}]`)) : [],
  required: (names, value, at) =>
    typeNames.object(value) ? names.filter((name) => !Object.hasOwn(value, name)).map((name) => `${at} lacks ${name}`) : [],
  properties: (properties, value, at) =>
    typeNames.object(value)
      ? Object.entries(properties).flatMap(([name, schema]) =>
          Object.hasOwn(value, name) ? problems(schema, value[name], `${at}.${name}`) : [])
      : [],
  additionalProperties: (schema, value, at, { properties }) => {
    if (!typeNames.object(value) || schema === true) return [];
    const more = Object.keys(value).filter((name) => own(properties, name) === undefined);
    return schema === false
      ? more.map((name) => `${at} has ${name}, which is not described`)
      : more.flatMap((name) => problems(schema, value[name], `${at}.${name}`));
  },
};
const annotations = new Set([
  'description', 'default', 'contentMediaType', 'maxLength', 'minItems', 'maxItems', 'multipleOf', // in requests only
]);

const show = (value) => JSON.stringify(value)?.slice(0, 100);

function lookUp(reference) {
  const found = reference.split('/').slice(1).reduce((at, name) => at?.[name], apiDocument);
  if (found === undefined) throw new Error(`docs/openapi.json has no ${reference}`);
  return found;
}

// The problems of a value, as sentences.
export function problems(schema, value, at = 'the answer') {
  return Object.entries(schema).flatMap(([keyword, argument]) => {
    if (annotations.has(keyword)) return [];
    if (!Object.hasOwn(keywords, keyword)) throw new Error(`docs/openapi.json uses ${keyword}, which is not known here`);
    return keywords[keyword](argument, value, at, schema);
  });
}

const resolve = (value) => (value?.$ref ? lookUp(value.$ref) : value);

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

// The paths as patterns; those without parameters, then the longest, come first.
const patterns = Object.keys(apiDocument.paths)
  .map((path) => ({
    path,
    pattern: new RegExp(`^${path.split(/\{\w+\}/).map(escape).join('[^/]+')}$`),
    isFixed: !path.includes('{'),
  }))
  .sort((a, b) => Number(b.isFixed) - Number(a.isFixed) || b.path.length - a.path.length);

function findOperation(method, target) {
  const path = target.split('?')[0];
  for (const candidate of patterns) {
    const operation = own(apiDocument.paths[candidate.path], method.toLowerCase());
    if (operation && candidate.pattern.test(path)) return operation;
  }
  return undefined;
}

// The schema of an answer; undefined: a body of this type is not described.
function schemaOf({ method, target, status, type }) {
  const operation = findOperation(method, target);
  const { responses } = apiDocument.components;
  const unknown = target.startsWith('/api/v1/') ? responses.Problem : responses.Error;
  const found = operation?.responses[status] ?? (status >= 400 ? (operation?.responses.default ?? unknown) : undefined);
  return resolve(found)?.content?.[type.split(';')[0].trim()]?.schema;
}

// Throws unless docs/openapi.json describes the body of this answer: { method, target, status, type }. The body of an event stream is
// one event.
export function checkAnswer(answer, body) {
  const { method, target, status, type } = answer;
  if (!target.startsWith('/api/') || method === 'HEAD') return;
  const schema = schemaOf(answer);
  const wrong = schema ? problems(schema, body) : [`no such answer is described: ${show(body)}`];
  if (wrong.length > 0) {
    throw new assert.AssertionError({
      message: `docs/openapi.json and ${method} ${target} (${status}, ${type}) differ:\n  ${wrong.slice(0, 10).join('\n  ')}`,
    });
  }
}

// The request that a Node response answers. A method in a header counts if such an operation exists.
export function answerOf({ req, statusCode: status, headers }) {
  const named = req.getHeader('x-http-method-override') ?? req.method;
  const method = findOperation(named, req.path) ? named : req.method;
  return { method, target: req.path, status, type: headers['content-type'] ?? '' };
}
