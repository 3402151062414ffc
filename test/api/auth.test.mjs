// Access control: administrators only.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { Database, fixture } from './support/database.mjs';
import { bearer, request } from './support/http.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, adminToken, haveBinary } from './support/service.mjs';
import { startUpload } from './support/upload.mjs';

const STATUS = '/api/admin/database/status';
const EXPORT = '/api/admin/database/export';
const IMPORT = '/api/admin/database/import';

for (const version of ['v05', 'v09']) {
  describe(`who gets in, on a ${version} database`, { skip: !haveBinary && 'no binary' }, () => {
    let database, service;
    const admin = `sk-admin-${version}-6a1f`;

    before(async () => {
      const server = await startPostgres();
      database = await Database.create(server);
      await database.execFile(fixture(`hub-${version}.sql`));
      await database.exec(`INSERT INTO keys (user_id, key, name, can_login_web_ui) VALUES (1, '${admin}', 'of the admin', true)`);
      // Each test has its own address, so that its failures do not lock out others.
      service = await Service.start({ dsn: database.dsn, env: { TRUST_PROXY: 'true' } });
    });

    let address = 0;
    const fresh = () => ({ 'x-forwarded-for': `10.1.${address++}.7` });
    const status = async (headers, method = 'GET', path = STATUS) => (await request(service, method, path, { headers: { ...fresh(), ...headers } })).status;

    test('nobody is 401, with a JSON error, on every route of ours', async () => {
      for (const [method, path] of [['GET', STATUS], ['GET', EXPORT], ['POST', IMPORT]]) {
        const answer = await request(service, method, path, { headers: fresh() });
        assert.equal(answer.status, 401, path);
        assert.equal(answer.body.errorCode, 'auth.missing');
      }
      assert.equal(await status(bearer('wrong')), 401);
      assert.equal(await status(bearer('')), 401);
      assert.equal(await status({ authorization: 'Basic eDp5' }), 401);
      assert.equal(await status({ cookie: `auth-token=${adminToken}` }), 401, 'a raw token is no session');
      assert.equal(await status({ cookie: `auth-token=${admin}` }), 401, 'a raw key is no session');
    });

    test('the admin token gets in, whatever the case of "Bearer"; a part of it does not', async () => {
      assert.equal(await status(bearer(adminToken)), 200);
      assert.equal(await status({ authorization: `bearer ${adminToken}` }), 200);
      assert.equal(await status(bearer(adminToken.slice(0, -1))), 401);
      assert.equal(await status(bearer(adminToken + 'x')), 401);
    });

    test('the key of an administrator gets in', async () => {
      assert.equal(await status(bearer(admin)), 200);
    });

    test('a valid key of somebody else is 403', async () => {
      await database.exec(`INSERT INTO keys (user_id, key, name, can_login_web_ui) VALUES (2, 'sk-not-an-admin', 'x', true)`);
      assert.equal(await status(bearer('sk-not-an-admin')), 403);
      assert.equal(await status(bearer('sk-not-an-admin'), 'GET', EXPORT), 403);
      assert.equal(await status(bearer('sk-not-an-admin'), 'POST', IMPORT), 403);
    });

    for (const [what, spoil, heal, expected] of [
      ['is disabled', `UPDATE keys SET is_enabled = false WHERE key = '${admin}'`, `UPDATE keys SET is_enabled = true WHERE key = '${admin}'`, [401]],
      ['is enabled by nothing but NULL', `UPDATE keys SET is_enabled = NULL WHERE key = '${admin}'`, `UPDATE keys SET is_enabled = true WHERE key = '${admin}'`, [401]],
      ['has expired', `UPDATE keys SET expires_at = now() - interval '1 second' WHERE key = '${admin}'`, `UPDATE keys SET expires_at = NULL WHERE key = '${admin}'`, [401]],
      ['is deleted', `UPDATE keys SET deleted_at = now() WHERE key = '${admin}'`, `UPDATE keys SET deleted_at = NULL WHERE key = '${admin}'`, [401]],
      ['may not log in to the web UI', `UPDATE keys SET can_login_web_ui = false WHERE key = '${admin}'`, `UPDATE keys SET can_login_web_ui = true WHERE key = '${admin}'`, [401, 403]],
      ['belongs to a disabled user', `UPDATE users SET is_enabled = false WHERE id = 1`, `UPDATE users SET is_enabled = true WHERE id = 1`, [401]],
      ['belongs to an expired user', `UPDATE users SET expires_at = now() - interval '1 second' WHERE id = 1`, `UPDATE users SET expires_at = NULL WHERE id = 1`, [401]],
      ['belongs to a deleted user', `UPDATE users SET deleted_at = now() WHERE id = 1`, `UPDATE users SET deleted_at = NULL WHERE id = 1`, [401]],
      ['belongs to a user who is no administrator any more', `UPDATE users SET role = 'user' WHERE id = 1`, `UPDATE users SET role = 'admin' WHERE id = 1`, [403]],
    ]) {
      test(`an administrator's key that ${what} does not get in, nor does its session`, async () => {
        const cookie = await login(admin);
        assert.equal(await status({ cookie }), 200);
        await database.exec(spoil);
        try {
          const got = await status(bearer(admin));
          assert.ok(expected.includes(got), `${got}`);
          assert.ok(expected.includes(await status({ cookie })), 'the session');
        } finally {
          await database.exec(heal);
        }
        assert.equal(await status(bearer(admin)), 200);
        assert.equal(await status({ cookie }), 200);
      });
    }

    async function login(key, headers = {}) {
      const answer = await request(service, 'POST', '/api/auth/login', { headers: { ...fresh(), ...headers }, body: { key } });
      assert.equal(answer.status, 200, answer.text);
      login.header = answer.headers['set-cookie'][0];
      login.body = answer.body;
      return login.header.split(';')[0];
    }

    test('logging in sets a cookie with a signed session, not the key', async () => {
      for (const key of [admin, adminToken]) {
        const cookie = await login(key);
        assert.match(login.header, /^auth-token=/);
        assert.match(login.header, /;\s*HttpOnly/i);
        assert.match(login.header, /;\s*SameSite=Strict/i);
        assert.match(login.header, /;\s*Path=\//i);
        assert.doesNotMatch(login.header, /;\s*Secure/i);
        const value = decodeURIComponent(cookie.slice('auth-token='.length));
        assert.ok(!value.includes(key) && !Buffer.from(value, 'base64url').toString('latin1').includes(key));
        assert.equal(login.body.ok, true);
        assert.equal(login.body.user.role, 'admin');
        assert.ok(!JSON.stringify(login.body).includes(key));
        assert.equal(await status({ cookie }), 200);
      }
    });

    test('a session whose signature, or any character, was changed does not get in', async () => {
      const cookie = await login(admin);
      for (let i = 'auth-token='.length; i < cookie.length; i += 7) {
        const changed = cookie.slice(0, i) + (cookie[i] === 'A' ? 'B' : 'A') + cookie.slice(i + 1);
        assert.equal(await status({ cookie: changed }), 401, `character ${i}`);
      }
      assert.equal(await status({ cookie: cookie.slice(0, -5) }), 401);
    });

    test('behind TLS the cookie is Secure', async () => {
      await login(admin, { 'x-forwarded-proto': 'https' });
      assert.match(login.header, /;\s*Secure/i);
    });

    test('SESSION_TTL of the hub\'s .env does not shorten our sessions; the option of ours does', async () => {
      for (const [env, age] of [[{ SESSION_TTL: '300' }, 604800], [{ SESSION_TTL: '300', CCH_DATA_SESSION_TTL: '120' }, 120]]) {
        const other = await Service.start({ dsn: database.dsn, env });
        const answer = await request(other, 'POST', '/api/auth/login', { body: { key: adminToken } });
        assert.match(answer.headers['set-cookie'][0], new RegExp(`Max-Age=${age}(;|$)`));
        await other.stop();
      }
    });

    test('logging out takes the cookie away, and a copy of it lets nobody in, on any instance', async () => {
      const other = await Service.start({ dsn: database.dsn });
      for (const key of [admin, adminToken]) {
        const [cookie, second] = [await login(key), await login(key)];
        const answer = await request(service, 'POST', '/api/auth/logout', { headers: { ...fresh(), cookie }, body: {} });
        assert.deepEqual([answer.status, answer.body], [200, { ok: true, everywhere: true }]);
        assert.match(answer.headers['set-cookie'][0], /^auth-token=;|Max-Age=0/);
        for (const each of [service, other]) {
          assert.equal((await request(each, 'GET', STATUS, { headers: { cookie } })).status, 401);
          assert.equal((await request(each, 'GET', STATUS, { headers: { cookie: second } })).status, 200, 'another session goes on');
        }
      }
      await other.stop();
    });

    test('logging out without the table of ended sessions says that other instances do not know', async () => {
      await database.exec('ALTER TABLE cch_data.ended_sessions RENAME TO elsewhere');
      const cookie = await login(adminToken);
      const answer = await request(service, 'POST', '/api/auth/logout', { headers: { ...fresh(), cookie }, body: {} });
      assert.deepEqual(answer.body, { ok: true, everywhere: false });
      assert.equal(await status({ cookie }), 401);
      await database.exec('ALTER TABLE cch_data.elsewhere RENAME TO ended_sessions');
    });

    test('logging in with nothing, with rubbish, or with somebody\'s key is refused, in the caller\'s language', async () => {
      const call = (body, headers = {}) => request(service, 'POST', '/api/auth/login', { headers: { ...fresh(), ...headers }, body });
      const empty = await call({ key: '' });
      assert.deepEqual([empty.status, empty.body.error], [400, '请输入 API Key']);
      const wrong = await call({ key: 'rubbish' });
      assert.deepEqual([wrong.status, wrong.body.error], [401, 'API Key 无效或已过期']);
      const english = await call({ key: 'rubbish' }, { 'accept-language': 'en' });
      assert.match(english.body.error, /API key/);
      assert.equal((await call('{"key":')).status, 400);
      const other = await database.value(`SELECT key FROM keys WHERE user_id = 3 AND can_login_web_ui LIMIT 1`);
      if (other) assert.equal((await call({ key: other })).status, 403);
    });

    test('ten failures lock an address out for fifteen minutes, and only that one', async () => {
      const [bad, good] = [{ 'x-forwarded-for': '192.0.2.66' }, { 'x-forwarded-for': '192.0.2.67' }];
      for (let i = 0; i < 10; i++) {
        const { status: got } = i % 2
          ? await request(service, 'POST', '/api/auth/login', { headers: bad, body: { key: `guess ${i}` } })
          : await request(service, 'GET', STATUS, { headers: { ...bad, ...bearer(`guess ${i}`) } });
        assert.equal(got, 401, `failure ${i + 1}`);
      }
      for (const headers of [bad, { ...bad, ...bearer(adminToken) }]) {
        const answer = await request(service, 'POST', '/api/auth/login', { headers, body: { key: adminToken } });
        assert.equal(answer.status, 429);
        const after = Number(answer.headers['retry-after']);
        assert.ok(after > 14 * 60 && after <= 15 * 60, `Retry-After: ${after}`);
      }
      assert.equal((await request(service, 'GET', STATUS, { headers: { ...bad, ...bearer(adminToken) } })).status, 429);
      assert.equal((await request(service, 'GET', STATUS, { headers: { ...good, ...bearer(adminToken) } })).status, 200);
    });

    test('requests that change something, or carry a cookie to an export, have to come from this site', async () => {
      const cookie = await login(admin);
      const own = `http://127.0.0.1:${service.port}`;
      const upload = { 'content-type': 'multipart/form-data; boundary=some-boundary' };
      for (const foreign of [{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]) {
        assert.equal(await status({ cookie, ...foreign, ...upload }, 'POST', IMPORT), 403, JSON.stringify(foreign));
        assert.equal(await status({ cookie, ...foreign }, 'GET', EXPORT), 403, JSON.stringify(foreign));
        assert.equal(await status({ ...foreign }, 'POST', '/api/auth/login'), 403, JSON.stringify(foreign));
        assert.equal(await status({ ...bearer(adminToken), ...foreign, ...upload }, 'POST', IMPORT), 403, JSON.stringify(foreign));
      }
      for (const ours of [{ origin: own }, { 'sec-fetch-site': 'same-origin' }, {}]) {
        const got = await status({ cookie, ...ours, ...upload }, 'POST', IMPORT);
        assert.ok([400, 415].includes(got), `${got}: ${JSON.stringify(ours)}`); // an empty body
      }
      assert.equal(await status({ cookie, 'sec-fetch-site': 'none' }, 'GET', `${EXPORT}?excludeLogs=perhaps`), 400);
    });

    test('an upload of somebody who may not is answered before its body', async () => {
      for (const [headers, expected] of [[{ authorization: 'Bearer wrong' }, 401], [bearer('sk-not-an-admin'), 403]]) {
        const { request: call, response } = startUpload(service, {
          data: Buffer.alloc(1024 * 1024), contentLength: 400 * 1024 * 1024, stallAfter: 0, stallMs: 10_000, headers: { ...fresh(), ...headers },
        });
        assert.equal((await response).statusCode, expected);
        call.destroy();
      }
      assert.deepEqual(service.tempFiles(), []);
    });

    test('neither log nor answers show a token or a key', () => {
      for (const secret of [admin, adminToken, 'sk-not-an-admin', 'guess 1', 'rubbish']) assert.ok(!service.log().includes(secret), secret);
    });
  });
}

describe('the service', { skip: !haveBinary && 'no binary' }, () => {
  let database;
  before(async () => {
    const server = await startPostgres();
    database = await Database.create(server);
  });

  test('listens on 127.0.0.1 alone unless told otherwise', async () => {
    const service = await Service.start({ dsn: database.dsn });
    const sockets = readFileSync('/proc/net/tcp', 'utf8') + readFileSync('/proc/net/tcp6', 'utf8');
    const port = service.port.toString(16).toUpperCase().padStart(4, '0');
    const listening = sockets.split('\n').filter((line) => new RegExp(`:${port} \\S+ 0A`).test(line)).map((line) => line.trim().split(/\s+/)[1]);
    assert.deepEqual(listening, [`0100007F:${port}`]);
    await service.stop();
  });

  test('does not believe a proxy that it was not told to trust', async () => {
    const service = await Service.start({ dsn: database.dsn });
    for (let i = 0; i < 10; i++) {
      const answer = await request(service, 'GET', STATUS, { headers: { ...bearer('guess'), 'x-forwarded-for': `10.0.0.${i}` } });
      assert.equal(answer.status, 401);
    }
    assert.equal((await request(service, 'GET', STATUS, { headers: { ...bearer(adminToken), 'x-forwarded-for': '10.0.0.99' } })).status, 429);
    await service.stop();
  });

  test('answers 503, not 401, when the database that knows the keys is away', async () => {
    const service = await Service.start({ dsn: database.dsn });
    await database.drop();
    const answer = await request(service, 'GET', STATUS, { headers: bearer('sk-some-key') });
    assert.equal(answer.status, 503);
    assert.equal((await request(service, 'GET', STATUS, { headers: bearer(adminToken) })).status, 200);
    await service.stop();
  });
});
