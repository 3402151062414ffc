// History: the audit log and the operations that can be undone.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Database, fixture } from './support/database.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, haveBinary } from './support/service.mjs';

for (const version of ['v05', 'v09']) {
  describe(`the history on a hub ${version}`, { skip: !haveBinary && 'no binary' }, () => {
    let database, service;
    const log = version === 'v09' ? 'public.audit_log' : 'cch_data.audit_log';

    before(async () => {
      database = await Database.create(await startPostgres(), { name: 'hub' });
      await database.execFile(fixture(`hub-${version}.sql`));
      service = await Service.start({ dsn: database.dsn });
    });

    async function call(target, body) {
      const options = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
      const reply = await service.fetch(target, options);
      return { status: reply.status, body: await reply.json() };
    }

    async function ok(target, body) {
      const reply = await call(target, body);
      assert.equal(reply.status, 200, `${target}: ${JSON.stringify(reply.body)}`);
      return reply.body;
    }

    async function allItems(target) {
      const items = [];
      for (let cursor = ''; ; ) {
        const page = await ok(`${target}&cursor=${cursor}`);
        items.push(...page.items);
        if (!page.pageInfo.hasMore) return items;
        cursor = page.pageInfo.nextCursor;
      }
    }

    test('every batch is an operation, with what it changed, until it is undone', async () => {
      const first = await ok('/api/v1/users:batchUpdate', { userIds: [3, 4], updates: { rpm: 77, limit5hUsd: 1.5, tags: { add: ['新'] } } });
      const second = await ok('/api/v1/providers:batchDelete', { providerIds: [7] });
      const list = await ok('/api/v1/operations');
      assert.deepEqual(list.items.map((item) => [item.id, item.kind, item.changedCount, item.undoable]), [
        [second.operationId, 'providers:batchDelete', 1, true], [first.operationId, 'users:batchUpdate', 2, true],
      ]);
      assert.equal(list.total, 2);
      assert.match(list.items[0].operatorName, /^Admin Token/);
      assert.ok(new Date(list.items[0].undoableUntil) - new Date(list.items[0].createdAt) >= 23.9 * 3600e3);
      const detail = await ok(`/api/v1/operations/${first.operationId}`);
      assert.deepEqual(detail.rows[0], {
        entity: 'users', id: 3, name: 'user-3',
        changes: [{ field: 'rpm', before: 30, after: 77 }, { field: 'limit5hUsd', before: null, after: '1.50' }, { field: 'tags', before: ['team-3', '标签'], after: ['team-3', '标签', '新'] }],
      });
      const undone = await ok(`/api/v1/operations/${first.operationId}:undo`, {});
      const after = await ok(`/api/v1/operations/${first.operationId}`);
      assert.deepEqual([after.undoable, after.undoneBy, after.undoneAt !== null], [false, undone.operationId, true]);
      assert.equal((await ok(`/api/v1/operations/${undone.operationId}`)).undoes, first.operationId);
      assert.deepEqual((await ok('/api/v1/operations?undoable=false')).items.map((item) => item.id), [first.operationId]);
      assert.deepEqual((await ok('/api/v1/operations?kind=providers:batchDelete&undoable=true&operator=admin')).items.map((item) => item.id), [second.operationId]);
      for (const id of ['nothing', '0'.repeat(32), '%27', 'x'.repeat(65)]) assert.equal((await call(`/api/v1/operations/${id}`)).status, 404, id);
      await database.exec(`UPDATE cch_data.operations SET expires_at = now() - interval '1 hour' WHERE id = '${second.operationId}'`);
      assert.equal((await ok(`/api/v1/operations/${second.operationId}`)).undoable, false);
    });

    test('the audit log is read newest first, filtered, and in pages that stay', async () => {
      await database.exec(`INSERT INTO ${log} (action_category, action_type, target_type, target_name, before_value, after_value, operator_user_name, operator_ip, success, error_message, created_at)
        SELECT CASE WHEN i % 2 = 0 THEN 'batch' ELSE 'auth' END, 'kind.' || i % 3, 'user', 'Ziel ' || i, '{"a": 1}', NULL, 'Op_' || i % 4, '10.0.0.' || i, i % 5 > 0,
               CASE WHEN i % 5 = 0 THEN 'broken ' || i END, '2027-01-01Z'::timestamptz + i / 2 * interval '1 second' FROM generate_series(1, 60) AS i`);
      const all = '/api/v1/audit-log?from=2027-01-01&to=2027-01-02';
      const items = await allItems(`${all}&limit=7`);
      assert.equal(items.length, 60);
      assert.deepEqual(items.map((item) => item.targetName), Array.from({ length: 60 }, (_, i) => `Ziel ${60 - i}`));
      assert.deepEqual([items[0].hasBefore, items[0].hasAfter, items[0].before], [true, false, undefined]);
      const total = async (query) => (await ok(`${all}&${query}`)).total;
      assert.deepEqual(await Promise.all(['category=batch', 'type=kind.1', 'operator=op_3', 'success=false', 'q=ziel+6', 'q=BROKEN', 'q=%25', 'operator=_', 'category=b%25'].map(total)),
        [30, 20, 15, 12, 2, 12, 0, 60, 0]);
      let inserted = 0;
      const seen = [];
      for (let cursor = ''; ; ) {
        const page = await ok(`${all}&limit=13&cursor=${cursor}`);
        seen.push(...page.items.map((item) => item.targetName));
        if (!page.pageInfo.hasMore) break;
        cursor = page.pageInfo.nextCursor;
        await database.exec(`INSERT INTO ${log} (action_category, action_type, target_name, success, created_at) VALUES ('x', 'x', 'later ${++inserted}', true, '2027-01-01T12:00:00Z')`);
      }
      assert.deepEqual(seen, Array.from({ length: 60 }, (_, i) => `Ziel ${60 - i}`));
    });

    test('an entry shows what was before and after, without secrets', async () => {
      const id = await database.value(`INSERT INTO ${log} (action_category, action_type, success, before_value, after_value) VALUES ('key', 'key.create', true,
        '{"price": 10.50, "name": "a", "text": "say \\"key\\": \\"x\\""}', '{"key": "sk-geheim\\"1", "nested": [{"apiKey": "geheim2", "token": null, "keyName": "fine", "key": "geheim3"}]}') RETURNING id`);
      const reply = await service.fetch(`/api/v1/audit-log/${id}`);
      const text = await reply.text();
      assert.match(text, /"price": 10\.50/, 'numbers are what is stored');
      assert.doesNotMatch(text, /geheim/);
      const entry = JSON.parse(text);
      assert.deepEqual(entry.before, { price: 10.5, name: 'a', text: 'say "key": "x"' });
      assert.deepEqual(entry.after, { key: '••••••', nested: [{ key: '••••••', token: null, apiKey: '••••••', keyName: 'fine' }] });
      const batch = (await ok('/api/v1/audit-log?category=batch&type=users:batchUpdate')).items[0];
      assert.ok((await ok(`/api/v1/audit-log/${batch.id}`)).after.rows.length > 0);
      for (const wrong of ['0', 'x', '99999999', '1%3B']) assert.equal((await call(`/api/v1/audit-log/${wrong}`)).status, 404, wrong);
    });

    test('what makes no sense is refused', async () => {
      const cursor = Buffer.from(JSON.stringify(['createdAt', true, null, null, 1])).toString('base64url');
      for (const query of ['limit=0', 'limit=101', 'success=yes', 'from=soon', 'to=2026-99-01', 'q=%FF', `q=${'x'.repeat(201)}`, 'sortBy=id', 'cursor=x', `cursor=${cursor}`]) {
        assert.equal((await call(`/api/v1/audit-log?${query}`)).status, 400, query);
      }
      for (const query of ['limit=0', 'undoable=1', 'from=soon', 'kind=%FF', 'operator=%FF', 'q=x', `cursor=${cursor}`]) {
        assert.equal((await call(`/api/v1/operations?${query}`)).status, 400, query);
      }
      assert.equal((await fetch(`${service.url}/api/v1/audit-log`)).status, 401);
      assert.equal((await fetch(`${service.url}/api/v1/operations`)).status, 401);
    });
  });
}
