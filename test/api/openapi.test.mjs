// The document that describes the API. Every response in any test is checked against it (support/openapi.mjs).

import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { createConfig, lint } from '@redocly/openapi-core';
import { temporaryDirectory } from './support/cleanup.mjs';
import { request } from './support/http.mjs';
import { apiDocument, checkAnswer, problems } from './support/openapi.mjs';
import { run, until } from './support/run.mjs';
import { Service, cli } from './support/service.mjs';
import { startPostgres } from './support/servers.mjs';

const web = fileURLToPath(new URL('../../web/', import.meta.url));
const document = fileURLToPath(new URL('../../docs/openapi.json', import.meta.url));

let service;
before(async () => {
  const dsn = (await startPostgres()).dsn();
  assert.equal((await cli(['migrate', '--hub-tables'], { dsn })).code, 0);
  service = await Service.start({ dsn });
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

const operations = Object.entries(apiDocument.paths).flatMap(([target, item]) => Object.entries(item).map(([method, operation]) => ({ method, target, operation })));

test('Redocly finds no error in it', async () => {
  const config = await createConfig({ extends: ['recommended'] });
  const found = await lint({ ref: document, config });
  // What anybody may read has no refusals of its own.
  const open = operations.filter(({ method, operation }) => method === 'get' && operation.security?.length === 0).length;
  assert.deepEqual(found.filter(({ ruleId }) => ruleId !== 'operation-4xx-response').map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`), []);
  assert.equal(found.length, open);
});

test('names the errors of each operation: without a credential, for what is not there, and for a body that is wrong', async () => {
  const missing = [];
  for (const { method, target, operation } of operations) {
    const tries = [{ headers: {} }];
    const authorization = `Bearer ${service.token}`;
    if (target.includes('{')) tries.push({ headers: { authorization } });
    if (operation.requestBody) {
      tries.push({ headers: { authorization, 'content-type': 'application/json' }, body: '{"nothing": [' });
      tries.push({ headers: { authorization, 'content-type': 'text/html' }, body: 'x' });
    }
    for (const { headers, body } of tries) {
      const { status } = await fetch(service.url + target.replaceAll(/\{\w+\}/g, '999999999'), { method: method.toUpperCase(), headers, body });
      if (!Object.hasOwn(operation.responses, status)) missing.push(`${method} ${target}: ${status} (${JSON.stringify(headers)}, ${body})`);
    }
  }
  assert.deepEqual(missing, []);
});

test('a client in TypeScript is generated from it, compiled, and makes requests', async () => {
  const directory = temporaryDirectory('client');
  const at = (...parts) => path.join(directory, ...parts);
  symlinkSync(path.join(web, 'node_modules'), at('node_modules'));
  writeFileSync(at('package.json'), '{"type": "module"}');
  writeFileSync(at('client.ts'), `
    import createClient from 'openapi-fetch';
    import type { paths } from './schema';
    declare const process: { argv: string[]; stdout: { write(text: string): void } };
    const [, , baseUrl, token] = process.argv;
    const api = createClient<paths>({ baseUrl: baseUrl!, headers: { authorization: \`Bearer \${token}\` } });
    const version = await api.GET('/api/version');
    const name: string = version.data!.name;
    const destination = await api.POST('/api/admin/backup-destinations', { body: { name: 'of the client', kind: 'directory', settings: {} } });
    const id: number = destination.data!.id;
    const jobs = await api.GET('/api/admin/backup-jobs');
    const names: string[] = jobs.data!.jobs.map((job) => job.name);
    const nothing = await api.GET('/api/admin/backup-runs/{id}', { params: { path: { id: '999' } } });
    const errorCode: string = nothing.error!.errorCode;
    // @ts-expect-error there is no such member
    version.data!.other;
    process.stdout.write(JSON.stringify({ name, isNumber: typeof id === 'number', names, errorCode }));`);
  const node = async (...args) => {
    const { code, stdout, stderr } = await run(process.execPath, args, { cwd: directory });
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  };
  await node(path.join(web, 'node_modules/openapi-typescript/bin/cli.js'), document, '--output', 'schema.d.ts');
  await node(path.join(web, 'node_modules/typescript/bin/tsc'), '--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler', 'client.ts');
  await until('the jobs', async () => (await service.fetch('/api/admin/backup-jobs')).status === 200);
  const found = JSON.parse(await node('client.js', service.url, service.token));
  assert.deepEqual(found, { name: 'cch-data', isNumber: true, names: ['daily'], errorCode: 'resource.not_found' });
});

// The document in OpenAPI 3.0, as generators that do not read 3.1 want it.
function inOpenApi30(node) {
  if (Array.isArray(node)) return node.map(inOpenApi30);
  if (node === null || typeof node !== 'object') return node;
  const { const: only, contentMediaType, ...older } = Object.fromEntries(Object.entries(node).map(([name, value]) => [name, inOpenApi30(value)]));
  if (only !== undefined) older.enum = [only];
  if (typeof contentMediaType === 'string') Object.assign(older, { type: 'string', format: 'binary' });
  if (Array.isArray(older.enum)) older.enum = older.enum.filter((value) => value !== null);
  if (Array.isArray(older.type)) {
    const types = older.type.filter((type) => type !== 'null');
    delete older.type;
    Object.assign(older, { nullable: true }, types.length === 1 ? { type: types[0] } : {});
  }
  if (older.anyOf?.some(({ type }) => type === 'null')) {
    older.nullable = true;
    older.anyOf = older.anyOf.filter(({ type }) => type !== 'null');
  }
  return older;
}

test('a client in Python is generated from it, and makes requests', async () => {
  const directory = temporaryDirectory('client');
  const at = (...parts) => path.join(directory, ...parts);
  const { identifier, ...license } = apiDocument.info.license;
  writeFileSync(at('openapi.json'), JSON.stringify({ ...inOpenApi30(apiDocument), openapi: '3.0.3', info: { ...apiDocument.info, license } }));
  const generator = fileURLToPath(new URL('../node_modules/@openapitools/openapi-generator-cli/bin/openapi-generator.jar', import.meta.url));
  const generated = await run('java', ['-XX:TieredStopAtLevel=1', '-jar', generator, 'generate', '-i', at('openapi.json'), '-g', 'python', '-o', directory, '--package-name', 'cch_data'], { cwd: directory });
  assert.equal(generated.code, 0, generated.stdout + generated.stderr);
  writeFileSync(at('client.py'), `
import json, sys, cch_data
configuration = cch_data.Configuration(host=sys.argv[1])
configuration.access_token = sys.argv[2]
with cch_data.ApiClient(configuration) as client:
    backups = cch_data.BackupsApi(client)
    destination = backups.create_backup_destination(
        cch_data.BackupDestinationRequest(name="of Python", kind="directory", settings={}))
    try:
        backups.get_backup_run("999")
    except cch_data.ApiException as error:
        error_code = json.loads(error.body)["errorCode"]
    print(json.dumps({
        "name": cch_data.HealthApi(client).get_version().name,
        "isNumber": isinstance(destination.id, int),
        "names": [job.name for job in backups.list_backup_jobs().jobs],
        "errorCode": error_code,
    }))
`);
  await until('the jobs', async () => (await service.fetch('/api/admin/backup-jobs')).status === 200);
  // Debian's Python, which has the packages that the client needs.
  const { code, stdout, stderr } = await run('/usr/bin/python3', ['client.py', service.url, service.token], { cwd: directory });
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), { name: 'cch-data', isNumber: true, names: ['daily'], errorCode: 'resource.not_found' });
});
