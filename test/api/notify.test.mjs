// Messages over every kind of channel, to receivers that answer well, badly or not at all.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Database, fixture } from './support/database.mjs';
import { until } from './support/run.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, haveBinary } from './support/service.mjs';

const channelsPath = '/api/admin/notify/channels';

describe('messages', { skip: !haveBinary && 'no binary' }, () => {
  let database, service, collector, received, answer;

  before(async () => {
    database = await Database.create(await startPostgres(), { name: 'hub' });
    await database.execFile(fixture('hub-v09.sql'));
    service = await Service.start({ dsn: database.dsn });
    await until('migrations', () => database.value(`SELECT to_regclass('cch_data.notify_queue')`));
    collector = createServer((request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        received.push({ url: request.url, headers: request.headers, body, at: Date.now() });
        answer(request, response, received.length);
      });
    });
    await new Promise((resolve) => collector.listen(0, '127.0.0.1', resolve));
    collector.unref();
  });
  after(async () => {
    await service?.stop();
    collector?.closeAllConnections();
    collector?.close();
  });
  beforeEach(async () => {
    await database.exec('TRUNCATE cch_data.notify_channels, cch_data.notify_queue, cch_data.notify_states');
    received = [];
    answer = (request, response) => response.end('{"errcode":0,"code":0,"ok":true}');
  });

  const address = (path) => `http://127.0.0.1:${collector.address().port}${path}`;

  async function call(method, target, body, on = service) {
    const reply = await on.fetch(target, {
      method, headers: { 'accept-language': 'en', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: reply.status, body: reply.status === 204 ? undefined : await reply.json() };
  }

  async function add(type, settings, more = {}) {
    const { status, body } = await call('POST', channelsPath, { name: `a ${type}`, type, language: 'en', settings, ...more });
    assert.equal(status, 201, JSON.stringify(body));
    return body;
  }

  // As another instance or a command queues it; this one is woken by a change of the channel.
  async function queue(channel, { kind = 'backup_failed', mood = 'bad', subject = 'job:daily', details = {} } = {}) {
    await database.exec(`INSERT INTO cch_data.notify_queue (channel_id, subject, kind, mood, since, host, details, made_at, next_try_at)
      VALUES (${channel.id}, '${subject}', '${kind}', '${mood}', '2026-01-29T02:30:00Z', 'db-1', '${JSON.stringify(details)}', now(), now())`);
    await wake(channel);
  }
  const wake = (channel, on = service) => call('PATCH', `${channelsPath}/${channel.id}`, { enabled: true }, on);
  const arrival = (n = 1) => until(`message ${n}`, () => received.length >= n && received[n - 1], 20_000);
  const messages = async () => (await call('GET', '/api/admin/notify/messages')).body.messages;
  const settled = (state = 'sent') => until(`a message that is ${state}`, async () => (await messages()).find((message) => message.state === state), 20_000);

  test('a webhook gets JSON that its signature proves', async () => {
    const channel = await add('webhook', { url: address('/hook?key=k'), secret: 'geheim' });
    await queue(channel, { details: { name: '每日', errorCode: 'file.disk_full', reason: 'no space', durationMs: 1234, x: [1] } });
    const { headers, body, url } = await arrival();
    assert.equal(url, '/hook?key=k');
    const timestamp = headers['x-cch-timestamp'];
    assert.ok(Math.abs(Date.now() / 1000 - timestamp) < 30);
    assert.equal(headers['x-cch-signature'], `sha256=${createHmac('sha256', 'geheim').update(`${timestamp}.${body}`).digest('hex')}`);
    const sent = JSON.parse(body);
    assert.equal(headers['x-cch-message'], sent.id);
    assert.deepEqual(
      { kind: sent.kind, mood: sent.mood, level: sent.level, subject: sent.subject, title: sent.title, since: sent.since, host: sent.host, database: sent.database, x: sent.details.x },
      { kind: 'backup_failed', mood: 'bad', level: 'error', subject: 'job:daily', title: 'Backup failed: 每日', since: '2026-01-29T02:30:00Z', host: 'db-1', database: 'hub', x: [1] });
    assert.match(sent.text, /Where: db-1, hub\n.*Error: Not enough disk space on the server \(file\.disk_full\)\nReason: no space\nDuration: 1\.2 s\n/s);
    assert.match(sent.advice, /log/);
    const row = await settled();
    assert.deepEqual([row.tries, row.error, row.channel], [1, null, 'a webhook']);
  });
});
