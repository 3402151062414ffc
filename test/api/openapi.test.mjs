// The document that describes the API. Every response in any test is checked against it (support/openapi.mjs).

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { request } from './support/http.mjs';
import { apiDocument, checkAnswer, problems } from './support/openapi.mjs';
import { Service } from './support/service.mjs';
import { startPostgres } from './support/servers.mjs';

let service;
before(async () => {
  service = await Service.start({ dsn: (await startPostgres()).dsn() });
});
after(() => service?.stop());

test('the service serves the document that is in docs, to anybody', async () => {
  const { status, body } = await request(service, 'GET', '/api/v1/openapi.json');
  assert.equal(status, 200);
  assert.deepEqual(body, apiDocument);
});

test('every operation has a name of its own', () => {
  const names = Object.values(apiDocument.paths).flatMap((item) => Object.values(item).map(({ operationId }) => operationId));
  assert.deepEqual(names, [...new Set(names)]);
});

const answer = { method: 'GET', target: '/api/health/live', status: 200, type: 'application/json; charset=utf-8' };
const live = { status: 'alive', timestamp: '2026-01-29T10:30:00Z' };

test('an answer as it is described passes', () => {
  checkAnswer(answer, live);
});

test('a member too much, one too few, and one of another type are told', () => {
  assert.throws(() => checkAnswer(answer, { ...live, more: 1 }), /has more, which is not described/);
  assert.throws(() => checkAnswer(answer, { status: 'alive' }), /lacks timestamp/);
  assert.throws(() => checkAnswer(answer, { ...live, timestamp: 1 }), /timestamp is 1, not of type string/);
  assert.throws(() => checkAnswer(answer, { ...live, status: 'dead' }), /none of alive/);
});

test('an answer of another status, type or path is told', () => {
  assert.throws(() => checkAnswer({ ...answer, status: 201 }, live), /no such answer/);
  assert.throws(() => checkAnswer({ ...answer, type: 'text/html' }, live), /no such answer/);
  assert.throws(() => checkAnswer({ ...answer, target: '/api/nothing' }, live), /no such answer/);
});

test('what nobody checks may not be in the document', () => {
  assert.throws(() => problems({ type: 'string', pattern: 'a' }, 'b'), /uses pattern/);
});
