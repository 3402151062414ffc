// Messages over every kind of channel, to receivers that answer well, badly or not at all.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, fixture } from './support/database.mjs';
import { runOk, until } from './support/run.mjs';
import { freePort, startPostgres } from './support/servers.mjs';
import { Service, haveBinary } from './support/service.mjs';
import { MailServer, readMail } from './support/smtp.mjs';

const channelsPath = '/api/admin/notify/channels';

describe('messages', { skip: !haveBinary && 'no binary' }, () => {
  let database, service, collector, received, answer, tls, ca;

  before(async () => {
    database = await Database.create(await startPostgres(), { name: 'hub' });
    await database.execFile(fixture('hub-v09.sql'));
    const directory = temporaryDirectory('tls');
    const key = path.join(directory, 'key.pem');
    ca = path.join(directory, 'cert.pem');
    await runOk('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', ca,
      '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']);
    tls = { key: readFileSync(key), cert: readFileSync(ca) };
    service = await start();
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
    // One by one, because the service works on them meanwhile.
    for (const table of ['queue', 'states', 'channels']) await database.exec(`DELETE FROM cch_data.notify_${table}`);
    received = [];
    answer = (request, response) => response.end('{"errcode":0,"code":0,"ok":true}');
  });

  const start = (options) => Service.start({ dsn: database.dsn, env: { NOTIFY_CA_FILE: ca }, ...options });
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

  const base64Hmac = (key, text) => createHmac('sha256', key).update(text).digest('base64');

  test('DingTalk, Feishu, WeCom, Telegram, Slack and a template get what they understand, in their language', async () => {
    const kinds = {
      dingtalk: [{ url: address('/ding?access_token=t'), secret: 'SEC1' }, ({ url, body }) => {
        const query = new URL(url, 'http://x').searchParams;
        assert.ok(Math.abs(Date.now() - query.get('timestamp')) < 30_000);
        assert.deepEqual([query.get('access_token'), query.get('sign')], ['t', base64Hmac('SEC1', `${query.get('timestamp')}\nSEC1`)]);
        assert.equal(body.msgtype, 'markdown');
        assert.match(body.markdown.text, /^### 备份失败：a&lt;b\n\n- \*\*位置\*\*: db-1, hub\n/);
      }],
      feishu: [{ url: address('/feishu'), secret: 'SEC2' }, ({ body }) => {
        assert.equal(body.sign, base64Hmac(`${body.timestamp}\nSEC2`, ''));
        assert.deepEqual([body.msg_type, body.card.header.template, body.card.header.title.content], ['interactive', 'red', '备份失败：a<b']);
        assert.match(body.card.body.elements[0].content, /\*\*开始于\*\*: 2026-01-29/);
      }],
      wechat: [{ url: address('/wechat?key=1') }, ({ body }) => assert.match(body.markdown.content, /^## <font color="warning">备份失败：a&lt;b<\/font>\n> 位置: /)],
      telegram: [{ botToken: '12:tok', chatId: '-100', apiUrl: address('/api/') }, ({ url, body }) => {
        assert.deepEqual([url, body.chat_id, body.parse_mode], ['/api/bot12:tok/sendMessage', '-100', 'HTML']);
        assert.match(body.text, /^<b>备份失败：a&lt;b<\/b>\n\n<b>位置<\/b>: /);
      }],
      slack: [{ url: address('/slack') }, ({ body }) => assert.match(body.text, /^\*备份失败：a&lt;b\*\n• 位置: /)],
      custom: [{ url: address('/custom'), template: { a: ['{{level}} {{title}}', 5], b: { c: '{{sections}}{{provider_id}}' } }, headers: { 'X-Token': 't' } }, ({ body, headers }) => {
        assert.deepEqual([body.a, headers['x-token']], [['error 备份失败：a<b', 5], 't']);
        assert.match(body.b.c, /^位置: db-1, hub\n.*\{\{provider_id\}\}$/s);
      }],
    };
    for (const [type, [settings, check]] of Object.entries(kinds)) {
      received = [];
      const channel = await add(type, settings, { language: 'zh-CN' });
      await queue(channel, { details: { name: 'a<b' } });
      const { url, headers, body } = await arrival();
      check({ url, headers, body: JSON.parse(body) });
    }
    await until('all sent', async () => (await messages()).every(({ state }) => state === 'sent'));
  });

  test("the hub's own target is used, and no secret leaves the service", async () => {
    await database.exec(`CREATE TYPE webhook_provider_type AS ENUM ('wechat', 'feishu', 'dingtalk', 'telegram', 'custom');
      CREATE TABLE webhook_targets (id serial PRIMARY KEY, name varchar(100) NOT NULL, provider_type webhook_provider_type NOT NULL,
        webhook_url varchar(1024), dingtalk_secret varchar(256), custom_headers jsonb, is_enabled boolean NOT NULL DEFAULT true);
      INSERT INTO webhook_targets (id, name, provider_type, webhook_url, dingtalk_secret, is_enabled) VALUES (7, '值班', 'dingtalk', '${address('/hub?access_token=hubtoken')}', 'hubsecret', true)`);
    await add('hub', { targetId: 7 });
    await add('telegram', { botToken: 'bottoken', chatId: '1', apiUrl: address('') });
    const listed = await call('GET', channelsPath);
    assert.deepEqual(listed.body.hubTargets.find(({ id }) => id === 7), { id: 7, name: '值班', type: 'dingtalk', enabled: true });
    assert.deepEqual(listed.body.channels[1].secrets, { botToken: true, proxyUrl: false });
    // Receivers that repeat the address, as many do.
    answer = (request, response) => response.writeHead(404).end(`Cannot POST ${request.url}`);
    const answers = [];
    for (const { id } of listed.body.channels) answers.push((await call('POST', `${channelsPath}/${id}/test`)).body.problem);
    assert.match(answers[0], /^HTTP 404: Cannot POST \*\*\*\?\*\*\*&timestamp=/);
    assert.equal(answers[1], 'HTTP 404: Cannot POST /bot***/sendMessage');
    await queue(listed.body.channels[1]);
    await settled('failed');
    assert.match(received[0].url, /^\/hub\?access_token=hubtoken&timestamp=\d+&sign=/);
    const audit = await database.value(`SELECT string_agg(a::text, ' ') FROM audit_log a`);
    assert.match(audit, /notification\.channel_create/);
    assert.deepEqual(JSON.parse(await database.value(`SELECT after_value FROM audit_log WHERE action_type = 'notification.channel_create' ORDER BY id DESC LIMIT 1`)), { name: 'a telegram', type: 'telegram' });
    for (const text of [JSON.stringify([listed.body, answers, await messages()]), service.log(), audit]) assert.doesNotMatch(text, /bottoken|hubtoken|hubsecret/);
  });

  test('a test gives the answer at once, whatever it is', async () => {
    const channel = await add('wechat', { url: address('/') }, { enabled: false });
    const answers = [
      [(request, response) => response.end('{"errcode":0}'), { sent: true, status: 200, problem: null }],
      [(request, response) => response.end('{"errcode":93000,"errmsg":"invalid webhook url"}'), { sent: false, status: 200, problem: 'errcode 93000: invalid webhook url' }],
      [(request, response) => response.writeHead(302, { location: address('/elsewhere') }).end(), { sent: false, status: 302, problem: 'HTTP 302' }],
      [(request, response) => response.end(Buffer.alloc(1 << 20, 'a')), { sent: false, status: 200, problem: 'the answer has no code' }],
      [(request) => request.socket.destroy(), { sent: false, status: null, problem: /^http:\/\/127\.0\.0\.1:\d+: / }],
    ];
    for (const [reply, expected] of answers) {
      answer = reply;
      const { status, body } = await call('POST', `${channelsPath}/${channel.id}/test`);
      assert.equal(status, 200);
      assert.ok(body.durationMs < 10_000);
      if (expected.problem instanceof RegExp) assert.match(body.problem, expected.problem);
      assert.deepEqual({ ...body, durationMs: 0 }, { ...expected, problem: expected.problem instanceof RegExp ? body.problem : expected.problem, durationMs: 0 });
    }
    assert.ok(received.every(({ url }) => url === '/'), 'no redirect is followed');
  });

  test('what is busy is tried again when it says, what refuses is not, and the order is kept', async () => {
    answer = (request, response, n) => (n === 1 ? response.writeHead(503, { 'retry-after': '4' }).end() : n === 2 ? response.writeHead(403).end('no') : response.end());
    const channel = await add('webhook', { url: address('/') });
    await queue(channel, { subject: 'job:first' });
    await arrival();
    await queue(channel, { subject: 'job:second' });
    await arrival(3);
    assert.deepEqual(received.map(({ body }) => JSON.parse(body).subject), ['job:first', 'job:first', 'job:second']);
    assert.ok(received[1].at - received[0].at > 3500, `${received[1].at - received[0].at} ms`);
    assert.equal(received[0].headers['x-cch-message'], received[1].headers['x-cch-message']);
    await settled();
    const [second, first] = await messages();
    assert.deepEqual([first.state, first.tries, first.error, second.state, second.tries], ['failed', 2, 'HTTP 403: no', 'sent', 1]);
    assert.ok(service.log().includes('message put off') && service.log().includes('message failed'));
  });

  test('what could not be sent for a day is given up, and one that nobody sends holds up no other', async () => {
    const gone = await add('webhook', { url: `http://127.0.0.1:${await freePort()}/` });
    const good = await add('webhook', { url: address('/') });
    await queue(gone);
    await until('a failed try', async () => (await messages())[0].error);
    assert.equal((await messages())[0].state, 'queued');
    await queue(good);
    await arrival();
    await database.exec(`UPDATE cch_data.notify_queue SET made_at = now() - interval '25 hours', next_try_at = now() WHERE channel_id = ${gone.id}`);
    await wake(good);
    assert.match((await settled('failed')).error, /^http:\/\/127\.0\.0\.1:\d+: /);
  });

  test('two instances send each message once; a restart in the middle loses none', async () => {
    const other = await start({ dataDir: temporaryDirectory('data', 0o755) });
    await runOk('cp', ['-p', `${service.dataDir}/storage-key`, `${other.dataDir}/storage-key`]);
    const channel = await add('webhook', { url: address('/') });
    for (let i = 0; i < 10; i++) await database.exec(`INSERT INTO cch_data.notify_queue (channel_id, subject, kind, mood, since, host, details, made_at, next_try_at)
      VALUES (${channel.id}, 'job:${i}', 'backup_failed', 'bad', now(), 'h', '{}', now(), now())`);
    await Promise.all([wake(channel), wake(channel, other)]);
    await until('all sent', async () => (await messages()).every(({ state }) => state === 'sent'), 20_000);
    assert.deepEqual(received.map(({ body }) => JSON.parse(body).subject), Array.from({ length: 10 }, (_, i) => `job:${i}`));
    // The receiver hangs: stopped politely, the message is given back at once; killed, it is sent when its time is over.
    received = [];
    answer = (request, response, n) => n > 2 && response.end();
    await service.stop();
    await queueOn(other, channel);
    await arrival(1);
    await other.stop();
    const again = await start({ dataDir: other.dataDir });
    await arrival(2);
    await again.stop('SIGKILL');
    assert.equal(await database.value(`SELECT state || next_try_at > 'queued' || now() FROM cch_data.notify_queue ORDER BY id DESC LIMIT 1`), 't');
    await database.exec(`UPDATE cch_data.notify_queue SET next_try_at = now() WHERE state = 'queued'`);
    service = await start({ dataDir: service.dataDir });
    await settled();
    await until('it', async () => (await messages())[0].state === 'sent', 20_000);
    assert.deepEqual(received.map(({ body }) => JSON.parse(body).subject), ['job:h', 'job:h', 'job:h']);
  });
  async function queueOn(instance, channel) {
    await database.exec(`INSERT INTO cch_data.notify_queue (channel_id, subject, kind, mood, since, host, details, made_at, next_try_at)
      VALUES (${channel.id}, 'job:h', 'backup_failed', 'bad', now(), 'h', '{}', now(), now())`);
    await wake(channel, instance);
  }

  test('a message waits for the key of its channel, or for its secrets, and is sent then', async () => {
    const channel = await add('webhook', { url: address('/') });
    const key = `${service.dataDir}/storage-key`;
    const kept = readFileSync(key);
    rmSync(key);
    await queue(channel);
    const { state, tries, error } = await until('the reason', async () => (await messages()).find((message) => message.error), 20_000);
    assert.deepEqual([state, tries, /storage-key/.test(error), received.length], ['queued', 0, true, 0]);
    writeFileSync(key, kept, { mode: 0o600 });
    await arrival();
    await settled();
    rmSync(key);
    await queue(channel, { subject: 'disk' });
    await until('the reason', async () => (await messages())[0].error, 20_000);
    assert.equal((await call('PATCH', `${channelsPath}/${channel.id}`, { settings: { url: address('/new') } })).status, 200);
    await arrival(2);
    assert.equal(received[1].url, '/new');
  });

  test('mail goes over STARTTLS or TLS with a login, and readable', async () => {
    for (const mode of ['starttls', 'smtps']) {
      const mail = await MailServer.start({ tls, mode });
      const channel = await add('email', { server: `${mode === 'smtps' ? 'smtps' : 'smtp'}://localhost:${mail.port}`, user: 'bot', password: 'pässword', from: 'cch@example.org', to: 'a@example.org, b@example.org' }, { language: 'zh-CN' });
      assert.deepEqual(channel.settings.to, ['a@example.org', 'b@example.org']);
      await queue(channel, { kind: 'no_good_backup_for_hours', details: { name: '一个名字很长的每日备份任务，长到标题必须分成几段', hours: 30 } });
      const { from, to, text, isSecure } = await until('the mail', () => mail.mails[0], 20_000);
      assert.deepEqual({ from, to, isSecure }, { from: 'cch@example.org', to: ['a@example.org', 'b@example.org'], isSecure: true });
      assert.deepEqual(mail.logins, [{ secret: ['bot', 'pässword'], isSecure: true }]);
      const { headers, body } = readMail(text);
      assert.equal(headers.subject, '[cch-data] 太久没有可用的备份：一个名字很长的每日备份任务，长到标题必须分成几段');
      assert.match(body, /位置: db-1, hub\r\n开始于: 2026-01-29 .*\r\n小时: 30\r\n\r\n请检查备份任务/);
      assert.ok(text.split('\r\n').every((line) => line.length <= 78 && /^[\x20-\x7e]*$/.test(line)));
      mail.stop();
    }
  });

  test('mail is not sent without the TLS that was asked for, nor again after a final refusal', async () => {
    const plain = await MailServer.start({ mode: 'plain' });
    const settings = { server: `smtp://localhost:${plain.port}`, from: 'a@example.org', to: ['b@example.org'] };
    const channel = await add('email', settings);
    const refused = await call('POST', `${channelsPath}/${channel.id}/test`);
    assert.equal(refused.body.sent, false);
    assert.match(refused.body.problem, /STARTTLS/);
    await call('PATCH', `${channelsPath}/${channel.id}`, { settings: { plain: true } });
    assert.equal((await call('POST', `${channelsPath}/${channel.id}/test`)).body.sent, true);
    assert.equal(plain.mails.length, 1);
    plain.replies.RCPT = '550 no such mailbox';
    await queue(channel);
    assert.equal((await settled('failed')).tries, 1);
    plain.replies.RCPT = '451 later';
    await queue(channel, { subject: 'disk', kind: 'disk_short' });
    await until('a failed try', async () => (await messages())[0].error);
    assert.equal((await messages())[0].state, 'queued');
    delete plain.replies.RCPT;
    await settled();
    plain.stop();
  });

  test('wrong input is named, and changes nothing', async () => {
    const channel = await add('slack', { url: address('/') });
    for (const [body, pattern] of [
      [{ name: 'x', type: 'slack', settings: { url: 'ftp://a' } }, /settings\.url is an address http/],
      [{ name: 'x', type: 'slack', settings: { url: 'http://a', color: 'red' } }, /no settings\.color/],
      [{ name: 'x', type: 'fax' }, /type is one of/],
      [{ name: 'x', type: 'slack' }, /settings\.url is missing/],
    ]) {
      const { status, body: error } = await call('POST', channelsPath, body);
      assert.deepEqual([status, error.errorCode], [400, 'notify.channel_invalid']);
      assert.match(error.details, pattern);
    }
    assert.equal((await call('PATCH', `${channelsPath}/${channel.id}`, { type: 'wechat' })).status, 400);
    assert.equal((await call('PATCH', `${channelsPath}/4711`, { name: 'y' })).status, 404);
    assert.equal((await call('DELETE', `${channelsPath}/${channel.id}`)).status, 204);
    assert.equal((await call('POST', `${channelsPath}/${channel.id}/test`)).status, 404);
    assert.equal((await service.fetch(channelsPath, { headers: { authorization: '' } })).status, 401);
    assert.deepEqual((await call('GET', channelsPath)).body.channels, []);
  });
});
