// Lists of users, keys and providers: filtered, sorted, paged while rows change, and as files that can be applied again.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { readCsv } from './support/csv.mjs';
import { Database, fixture } from './support/database.mjs';
import { startPostgres, startRedis } from './support/servers.mjs';
import { Service, haveBinary, isSanitized } from './support/service.mjs';

const KEY_IN_FULL = /[sp]k-[0-9a-f]{32}/;

for (const version of ['v05', 'v09']) {
  describe(`lists of a hub ${version}`, { skip: !haveBinary && 'no binary' }, () => {
    let server, database, redis, service;

    before(async () => {
      [server, redis] = await Promise.all([startPostgres(), startRedis()]);
      database = await Database.create(server, { name: 'hub' });
      await database.execFile(fixture(`hub-${version}.sql`));
      await database.exec(`
        UPDATE users SET expires_at = now() - interval '1 day' WHERE id = 5;
        UPDATE users SET expires_at = now() + interval '2 days' WHERE id IN (6, 7);
        UPDATE users SET is_enabled = false WHERE id IN (8, 9, 10);
        UPDATE users SET deleted_at = now() WHERE id = 50;
        UPDATE users SET name = '100%_\\sure' WHERE id = 11;
        UPDATE keys SET provider_group = 'alpha,beta' WHERE user_id IN (12, 13);
        UPDATE keys SET deleted_at = now() WHERE user_id = 50;
        UPDATE keys SET is_enabled = false WHERE id = 3;
        UPDATE keys SET key = 'short' WHERE id = 4;
        UPDATE providers SET deleted_at = now() WHERE id = 20;
        UPDATE providers SET url = 'https://me:geheim@api.example/v1', proxy_url = 'socks5://a:geheim@proxy:1080' WHERE id = 1`);
      service = await Service.start({ dsn: database.dsn, redisUrl: redis.url });
    });

    async function get(target, headers = {}) {
      const reply = await service.fetch(target, { headers });
      const text = await reply.text();
      return { status: reply.status, headers: reply.headers, text, body: /json/.test(reply.headers.get('content-type')) ? JSON.parse(text) : undefined };
    }

    async function ok(target) {
      const reply = await get(target);
      assert.equal(reply.status, 200, `${target}: ${reply.text}`);
      return reply.body;
    }

    const names = async (target) => (await ok(target)).items.map((item) => item.name);
    const ids = async (target) => (await ok(target)).items.map((item) => item.id);

    async function allPages(target, between = async () => {}) {
      const pages = [];
      for (let cursor = ''; ; ) {
        const page = await ok(`${target}&cursor=${cursor}`);
        pages.push(page);
        if (!page.pageInfo.hasMore) {
          assert.equal(page.pageInfo.nextCursor, null);
          return pages;
        }
        cursor = page.pageInfo.nextCursor;
        await between(pages);
      }
    }

    test('a page of users has what the reference has, and no key in full', async () => {
      const page = await ok('/api/v1/users');
      assert.deepEqual([page.items.length, page.total, page.pageInfo], [49, 49, { nextCursor: null, hasMore: false, limit: 50 }]);
      const user = page.items.find((item) => item.id === 3);
      assert.deepEqual(
        [user.name, user.note, user.role, user.rpm, user.dailyQuota, user.tags, user.isEnabled, user.keyCount, user.expiresAt],
        ['user-3', '备注 3', 'user', 30, 0.75, ['team-3', '标签'], true, 3, null],
      );
      assert.equal(user.limit5hResetMode, version === 'v09' ? 'rolling' : null);
      assert.match(user.createdAt, /^2026-01-01T03:00:00.000Z$/);
      const full = await database.value('SELECT key FROM keys WHERE id = 2');
      const key = user.keys.find((item) => item.id === 3);
      assert.deepEqual([key.status, key.maskedKey.slice(0, 4), key.maskedKey.length], ['disabled', 'sk-' + key.maskedKey[3], 14]);
      for (const target of ['/api/v1/users', '/api/v1/keys', '/api/v1/providers', '/api/v1/users/2/keys', `/api/v1/keys?q=${full}`,
        '/api/v1/users:export', '/api/v1/keys:export', '/api/v1/providers:export', '/api/v1/keys:export?format=json', '/api/v1/users:export?format=json',
        '/api/v1/providers:export?format=json']) {
        const reply = await get(target);
        assert.equal(reply.status, 200, target);
        assert.doesNotMatch(reply.text, KEY_IN_FULL, target);
        assert.doesNotMatch(reply.text, /geheim/, target);
        assert.ok(!reply.text.includes(full), target);
      }
      assert.equal((await ok('/api/v1/keys?ids=4')).items[0].maskedKey, '••••••');
      const provider = (await ok('/api/v1/providers?ids=1')).items[0];
      assert.deepEqual([provider.url, provider.proxyUrl], ['https://••••••@api.example/v1', 'socks5://••••••@proxy:1080']);
      assert.deepEqual([provider.priority, provider.costMultiplier, provider.providerType, provider.modelRedirects], [0, 1.1, 'claude', { a: 'b-1' }]);
    });

    test('filters of users', async () => {
      assert.deepEqual(await ids('/api/v1/users?q=USER-3'), [3, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
      assert.deepEqual(await ids(`/api/v1/users?q=${encodeURIComponent('%')}`), [11], 'a percent sign is itself');
      assert.deepEqual(await ids('/api/v1/users?q=_'), [11]);
      assert.deepEqual(await ids(`/api/v1/users?q=${encodeURIComponent('_\\s')}`), [11]);
      assert.equal((await ok(`/api/v1/users?q=${encodeURIComponent('备注')}`)).total, 16);
      assert.equal((await ok('/api/v1/users?q=TEAM-4')).total, 10);
      assert.deepEqual(await ids('/api/v1/users?q=key%2077'), [28], 'by the name of a key');
      const full = await database.value('SELECT key FROM keys WHERE id = 2');
      assert.deepEqual(await ids(`/api/v1/users?q=${full}`), [2], 'by a whole key');
      assert.deepEqual(await ids(`/api/v1/users?q=${full.slice(-4)}`), [2], 'by its end, which is shown');
      assert.deepEqual(await ids(`/api/v1/users?q=${full.slice(0, -1)}`), [], 'but not by any part');
      assert.deepEqual(await ids('/api/v1/users?tags=team-0,team-1&limit=4'), [1, 5, 6, 10]);
      assert.deepEqual(await ids('/api/v1/users?keyGroups=beta,nowhere'), [12, 13]);
      assert.deepEqual(await ids('/api/v1/users?keyGroups=beta&tags=team-2'), [12]);
      assert.equal((await ok('/api/v1/users?keyGroups=default')).total, 47);
      assert.deepEqual(await ids('/api/v1/users?status=expired'), [5]);
      assert.deepEqual(await ids('/api/v1/users?status=expiringSoon'), [6, 7]);
      assert.deepEqual(await ids('/api/v1/users?status=disabled'), [8, 9, 10]);
      assert.equal((await ok('/api/v1/users?status=enabled')).total, 46);
      assert.equal((await ok('/api/v1/users?status=active')).total, 45);
      assert.deepEqual(await ids('/api/v1/users?role=admin'), [1]);
      assert.deepEqual(await ids(`/api/v1/users?expiresAfter=${new Date().toISOString()}`), [6, 7]);
      assert.deepEqual(await ids(`/api/v1/users?expiresBefore=${new Date().toISOString().slice(0, 10)}`), [5]);
      assert.deepEqual(await ids('/api/v1/users?ids=3,2,2,50'), [2, 3]);
      assert.equal((await ok('/api/v1/users?q=&tags=&status=&cursor=')).total, 49, 'what is empty does not filter');
    });

    test('filters of keys, and the keys of a user', async () => {
      assert.equal((await ok('/api/v1/keys')).total, 118);
      assert.deepEqual(await ids('/api/v1/users/12/keys'), [12, 62, 112]);
      assert.deepEqual(await ids('/api/v1/keys?userId=12,13&limit=3'), [12, 13, 62]);
      assert.deepEqual(await ids('/api/v1/keys?groups=alpha&tags=team-3'), [13, 63, 113]);
      assert.deepEqual(await ids('/api/v1/keys?q=user-49'), [49, 99]);
      assert.deepEqual(await ids('/api/v1/keys?status=disabled'), [3]);
      assert.equal((await ok('/api/v1/keys?status=active')).total, 117);
      assert.equal((await ok('/api/v1/keys?canLoginWebUi=true')).total + (await ok('/api/v1/keys?canLoginWebUi=false')).total, 118);
      const key = (await ok('/api/v1/keys?ids=12')).items[0];
      assert.deepEqual([key.userId, key.userName, key.name, key.providerGroup, key.isEnabled, key.limitDailyUsd], [12, 'user-12', 'key 11', 'alpha,beta', true, null]);
      for (const id of [50, 999999, 'x', '0', '1;2']) {
        const reply = await get(`/api/v1/users/${id}/keys`);
        assert.deepEqual([reply.status, reply.body.errorCode], [404, 'resource.not_found'], `${id}`);
      }
    });

    test('filters of providers, with their circuit breakers', async () => {
      const now = Date.now();
      const set = (key, ...fields) => redis.command('HSET', key, ...fields);
      await set('circuit_breaker:state:2', 'circuitState', 'open', 'failureCount', '7', 'lastFailureTime', `${now - 1000}`, 'circuitOpenUntil', `${now + 90_000}`);
      await set('circuit_breaker:state:3', 'circuitState', 'half-open', 'failureCount', '5', 'lastFailureTime', '', 'circuitOpenUntil', '');
      await set('circuit_breaker:state:4', 'circuitState', 'closed', 'failureCount', '2');
      await redis.command('SET', 'circuit_breaker:state:5', 'not a hash');
      const vendor = await database.value('SELECT provider_vendor_id FROM providers WHERE id = 6');
      await set(`vendor_type_circuit_breaker:state:${vendor}:claude`, 'circuitState', 'open', 'manualOpen', '1');
      const health = await ok('/api/v1/providers/health');
      assert.equal(health.available, true);
      assert.equal(Object.keys(health.providers).length, 19);
      assert.deepEqual(health.providers[2], {
        circuitState: 'open', failureCount: 7, lastFailureTime: now - 1000, circuitOpenUntil: now + 90_000, recoveryMinutes: 2,
        endpointCircuitState: null, vendorTypeCircuitState: 'closed', manualOpen: false, resettable: true,
      });
      assert.deepEqual([health.providers[3].circuitState, health.providers[3].lastFailureTime, health.providers[3].recoveryMinutes], ['half-open', null, null]);
      assert.deepEqual([health.providers[5].circuitState, health.providers[5].resettable], ['closed', false]);
      assert.deepEqual([health.providers[6].vendorTypeCircuitState, health.providers[6].manualOpen, health.providers[6].resettable], ['open', true, false]);
      assert.deepEqual(await ids('/api/v1/providers?circuitState=open'), [2]);
      assert.deepEqual(await ids('/api/v1/providers?circuitState=half-open'), [3]);
      assert.deepEqual(await ids('/api/v1/providers?circuitState=resettable'), [2, 3, 4]);
      assert.equal((await ok('/api/v1/providers?circuitState=closed')).total, 17);
      assert.deepEqual(await ids('/api/v1/providers?groups=group-1&sortBy=id'), [4, 10, 16]);
      assert.equal((await ok('/api/v1/providers?groups=default')).total, 10);
      assert.equal((await ok('/api/v1/providers?providerType=claude,codex')).total, 19);
      assert.equal((await ok('/api/v1/providers?providerType=codex')).total, 0);
      assert.equal((await ok('/api/v1/providers?enabled=false')).total, 0);
      assert.deepEqual(await ids('/api/v1/providers?q=api-7'), [7]);
      await redis.command('DEL', 'circuit_breaker:state:5');
      const reset = await service.fetch('/api/v1/providers/circuits:batchReset', {
        method: 'POST', body: JSON.stringify({ providerIds: [2, 3, 4, 5, 6] }), headers: { 'content-type': 'application/json' },
      });
      assert.equal(reset.status, 200, await reset.clone().text());
    });

    test('tells what filters can be set to', async () => {
      assert.deepEqual((await ok('/api/v1/users/tags')).items.slice(0, 2), [{ value: 'team-0', count: 9 }, { value: 'team-1', count: 10 }]);
      assert.deepEqual((await ok('/api/v1/keys/groups')).items, [{ value: 'alpha', count: 6 }, { value: 'beta', count: 6 }, { value: 'default', count: 112 }]);
      assert.deepEqual((await ok('/api/v1/providers/groups')).items.map((item) => item.value), ['default', 'group-0', 'group-1', 'group-2']);
      assert.deepEqual((await ok('/api/v1/providers/types')).items, [{ value: 'claude', count: 19 }]);
    });

    test('sorts both ways, with what is missing last', async () => {
      assert.deepEqual((await ids('/api/v1/users?sortBy=rpm&sortOrder=desc&limit=3')), [49, 48, 47]);
      assert.deepEqual((await ids('/api/v1/users?sortBy=limitDailyUsd&limit=3')), [1, 2, 3]);
      assert.deepEqual((await names('/api/v1/users?sortBy=name&limit=2')), ['100%_\\sure', 'user-1']);
      for (const order of ['asc', 'desc']) {
        const items = (await ok(`/api/v1/users?sortBy=expiresAt&sortOrder=${order}&limit=4`)).items;
        assert.deepEqual(items.map((item) => item.expiresAt !== null), [true, true, true, false], order);
      }
      for (const [entity, sorts] of Object.entries({
        users: ['createdAt', 'id', 'name', 'tags', 'role', 'expiresAt', 'rpm', 'limit5hUsd', 'limitDailyUsd', 'limitWeeklyUsd', 'limitMonthlyUsd'],
        keys: ['createdAt', 'id', 'name', 'userName', 'userId', 'providerGroup', 'expiresAt', 'limit5hUsd', 'limitDailyUsd', 'limitWeeklyUsd', 'limitMonthlyUsd'],
        providers: ['createdAt', 'id', 'name', 'groupTag', 'providerType', 'priority', 'weight', 'costMultiplier'],
      })) {
        const everything = new Set((await ok(`/api/v1/${entity}?ids-only=true`)).ids);
        for (const sort of sorts) {
          for (const order of ['asc', 'desc']) {
            const pages = await allPages(`/api/v1/${entity}?limit=7&sortBy=${sort}&sortOrder=${order}`);
            const seen = pages.flatMap((page) => page.items.map((item) => item.id));
            assert.equal(seen.length, everything.size, `${entity} by ${sort} ${order}`);
            assert.deepEqual(new Set(seen), everything);
            assert.deepEqual((await ok(`/api/v1/${entity}?ids-only=true&sortBy=${sort}&sortOrder=${order}`)).ids, seen, 'ids-only has the same order');
            assert.ok(pages.every((page) => page.total === everything.size));
          }
        }
      }
    });

    test('pages stay what they are while rows come and go', async () => {
      await database.exec(`INSERT INTO users (id, name, tags, created_at) SELECT 1000 + i, 'paged ' || i, '["paged"]', '2026-02-01Z'::timestamptz + i * interval '1 minute' FROM generate_series(1, 40) AS i`);
      const target = '/api/v1/users?tags=paged&limit=10';
      let round = 0;
      const pages = await allPages(target, async () => {
        round++;
        // A row of the previous page is removed, one is added at the front, and the cursor's row is removed.
        await database.exec(`UPDATE users SET deleted_at = now() WHERE id IN (${1000 + round * 10}, ${1000 + round * 10 - 5});
          INSERT INTO users (id, name, tags, created_at) VALUES (${2000 + round}, 'new', '["paged"]', '2026-01-31Z')`);
      });
      const seen = pages.flatMap((page) => page.items.map((item) => item.id));
      assert.deepEqual(seen, Array.from({ length: 40 }, (_, i) => 1001 + i), 'each once, none left out');
      await database.exec(`DELETE FROM users WHERE id > 1000`);
    });

    test('ids-only gives all that match, without a page', async () => {
      const all = await ok('/api/v1/users?ids-only=true&limit=5&q=user');
      assert.deepEqual([all.ids.length, all.total, all.hasMore], [48, 48, false]);
      assert.deepEqual(await ok('/api/v1/users?ids-only=true&q=nobody'), { ids: [], total: 0, hasMore: false });
      assert.equal((await ok('/api/v1/users?ids-only=false')).items.length, 49);
    });

    test('hostile parameters are refused with a word, or mean what they say', async () => {
      const cursor = (json) => Buffer.from(JSON.stringify(json)).toString('base64url');
      const bad = [
        'limit=0', 'limit=101', 'limit=-1', 'limit=1e1', 'limit=', 'sortBy=password', "sortBy=id;DROP TABLE users", 'sortOrder=up', 'status=dead', 'role=root',
        'ids=1,x', 'ids=-1', 'ids=99999999999', 'ids-only=1', 'expiresAfter=yesterday', 'expiresBefore=2026-13-01', 'cursor=%27', 'cursor=abc', `cursor=${'A'.repeat(3000)}`,
        `cursor=${cursor(['name', false, 'x', null, 1])}`, `cursor=${cursor(['createdAt', true, null, '1', 1])}`, `cursor=${cursor(['createdAt', false, null, "1'; DROP", 1])}`,
        `cursor=${cursor(['createdAt', false, null, 'NaN', 1])}`, `cursor=${cursor(['createdAt', false, null, '1', 'x'])}`, `cursor=${cursor({})}`,
        `q=${'x'.repeat(201)}`, 'q=%FF', 'tags=%C3%28', 'unknown=1', 'q=a&q=b', `tags=${Array.from({ length: 501 }, (_, i) => i).join(',')}`,
      ];
      for (const query of bad) {
        const reply = await get(`/api/v1/users?${query}`, { 'accept-language': 'en' });
        assert.equal(reply.status, 400, `${query}: ${reply.text}`);
        assert.match(reply.headers.get('content-type'), /^application\/problem\+json/);
        assert.ok(['request.validation_failed', 'request.invalid'].includes(reply.body.errorCode), query);
      }
      const harmless = ["q=' OR 1=1 --", 'q="', 'q=\\', 'tags={a}', 'tags="', 'tags=a\\,b', "tags=');--", 'keyGroups={},{', 'q=🙂', `q=${'🙂'.repeat(200)}`];
      for (const query of harmless) {
        const [name, value] = [query.slice(0, query.indexOf('=')), query.slice(query.indexOf('=') + 1)];
        assert.equal((await ok(`/api/v1/users?${name}=${encodeURIComponent(value)}`)).total, value === '\\' ? 1 : 0, query);
      }
      const far = await ok(`/api/v1/users?cursor=${cursor(['createdAt', false, null, '99999999999', 1])}`);
      assert.deepEqual([far.items, far.total, far.pageInfo.hasMore], [[], 49, false], 'a page after the last is empty');
      for (const target of ['/api/v1/users', '/api/v1/keys:export', '/api/v1/providers/health']) {
        const reply = await fetch(service.url + target);
        assert.equal(reply.status, 401, target);
      }
      const cross = await service.fetch('/api/v1/users:export', { headers: { cookie: 'auth-token=x', origin: 'https://evil.example' } });
      assert.notEqual(cross.status, 200);
    });

    test('a CSV is one that spreadsheets read, and reads back as the very same', async () => {
      const notes = ['=1+1', '+49', '-5', '@me', "'quoted", 'null', '', 'a,b', 'line\r\nbreak "q"', '\ttab', '＝wide', '普通', ' spaces '];
      const tags = [['a', 'b,c'], ['=x'], ['[x]'], [], ['null'], ["'"], ['x y']];
      await database.exec(`INSERT INTO users (id, name, description, tags) SELECT 3000 + n, '=name', x ->> 'note', x -> 'tags'
        FROM jsonb_array_elements($json$${JSON.stringify(notes.map((note, i) => ({ note, tags: tags[i % tags.length] })))}$json$) WITH ORDINALITY AS t (x, n)`);
      const reply = await service.fetch('/api/v1/users:export?format=csv&q=%3Dname&sortBy=id');
      assert.equal(reply.status, 200);
      assert.equal(reply.headers.get('content-type'), 'text/csv; charset=utf-8');
      assert.match(reply.headers.get('content-disposition'), /^attachment; filename="users_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.csv"$/);
      const bytes = Buffer.from(await reply.arrayBuffer());
      assert.equal(bytes.subarray(0, 3).toString('hex'), 'efbbbf');
      const rows = readCsv(bytes.subarray(3).toString('utf8'));
      assert.deepEqual(rows[0].slice(0, 10), ['id', 'name', 'role', 'note', 'tags', 'rpm', 'dailyQuota', 'limit5hUsd', 'limitWeeklyUsd', 'limitMonthlyUsd']);
      assert.equal(rows.length, notes.length + 1);
      for (const row of rows.slice(1)) {
        for (const cell of row) assert.doesNotMatch(cell, /^[=+\-@\t\r＝]/u, JSON.stringify(row));
        assert.equal(row[1], "'=name");
      }
      assert.deepEqual(rows.slice(1).map((row) => row[3]), ["'=1+1", "'+49", "'-5", "'@me", "''quoted", "'null", "'", 'a,b', 'line\r\nbreak "q"', "'\ttab", "'＝wide", '普通', ' spaces ']);
      assert.deepEqual(rows.slice(1, 8).map((row) => row[4]), ['["a", "b,c"]', "'=x", '["[x]"]', '[]', '["null"]', "''", 'x y']);
      assert.equal(rows[1][5], 'null');
      const plain = await get('/api/v1/users:export?bom=false&ids=3');
      const newer = version === 'v09' ? [',limit5hResetMode', ',rolling'] : ['', ''];
      assert.equal(plain.text, `id,name,role,note,tags,rpm,dailyQuota,limit5hUsd,limitWeeklyUsd,limitMonthlyUsd${newer[0]}\r\n3,user-3,user,备注 3,"team-3,标签",30,0.75,null,null,null${newer[1]}\r\n`);
      await database.exec('DELETE FROM users WHERE id > 3000');
    });

    test('exports have the filters of the lists, in both formats', async () => {
      const json = await get('/api/v1/keys:export?format=json&userId=12&sortBy=id&sortOrder=desc');
      assert.match(json.headers.get('content-disposition'), /filename="keys_.*\.json"$/);
      assert.deepEqual(json.body.map((item) => item.id), [112, 62, 12]);
      assert.deepEqual(json.body, (await ok('/api/v1/keys?userId=12&sortBy=id&sortOrder=desc')).items);
      assert.deepEqual((await get('/api/v1/keys:export?format=json&q=nobody')).body, []);
      const csv = readCsv((await get('/api/v1/providers:export?bom=false&ids=2,3')).text);
      assert.deepEqual(csv.map((row) => row.slice(0, 8)), [['id', 'name', 'providerType', 'is_enabled', 'priority', 'weight', 'cost_multiplier', 'group_tag'],
        ['2', 'provider-2', 'claude', 'true', '0', '3', '1.2000', 'group-2'], ['3', 'provider-3', 'claude', 'true', '0', '4', '1.3000', 'null']]);
      const keys = readCsv((await get('/api/v1/keys:export?bom=false&ids=12')).text);
      assert.deepEqual(keys[0], ['id', 'name', 'userId', 'userName', 'maskedKey', 'providerGroup', 'limit5hUsd', 'limitDailyUsd', 'limitWeeklyUsd', 'limitMonthlyUsd', 'canLoginWebUi', 'isEnabled']);
      assert.deepEqual(keys[1].slice(5), ['alpha,beta', 'null', 'null', 'null', 'null', 'false', 'true']);
      for (const query of ['format=xml', 'ids-only=true', 'cursor=x', 'status=dead', 'bom=1']) assert.equal((await get(`/api/v1/keys:export?${query}`)).status, 400, query);
      const head = await service.fetch('/api/v1/keys:export', { method: 'HEAD' });
      assert.equal(head.status, 200);
    });

    test('an export is one moment, however long it takes, in little memory', async () => {
      await database.exec(`INSERT INTO keys (id, user_id, key, name) SELECT 100000 + i, 1, 'sk-' || md5(i::text), 'many ' || i FROM generate_series(1, 60000) AS i`);
      const before = service.rssBytes();
      const reply = await service.fetch('/api/v1/keys:export?format=json&q=many&sortBy=id');
      const reader = reply.body.getReader();
      const first = await reader.read();
      await database.exec('DELETE FROM keys WHERE id > 100000');
      const chunks = [Buffer.from(first.value)];
      for (let piece; !(piece = await reader.read()).done; ) chunks.push(Buffer.from(piece.value));
      const items = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      assert.equal(items.length, 60000);
      assert.ok(items.every((item, i) => item.id === 100001 + i));
      if (!isSanitized) assert.ok(service.rssBytes() - before < 64e6, `${service.rssBytes() - before} bytes more`);
      assert.equal((await ok('/api/v1/keys?q=many')).total, 0);
    });

    test('without Redis the lists are there, and say what is not', async () => {
      const alone = await Service.start({ dsn: database.dsn });
      const health = await (await alone.fetch('/api/v1/providers/health', { headers: { 'accept-language': 'en' } })).json();
      assert.deepEqual([health.available, health.providers, health.error], [false, {}, 'Redis is not available']);
      assert.equal((await alone.fetch('/api/v1/providers')).status, 200);
      const filtered = await alone.fetch('/api/v1/providers?circuitState=open');
      assert.deepEqual([filtered.status, (await filtered.json()).errorCode], [503, 'redis.unavailable']);
      await alone.stop();
    });
  });
}
