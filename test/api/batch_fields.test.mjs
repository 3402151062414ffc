// Every field of a batch at its limits and just beyond, through the real API. Accepted values are stored exactly. Refused values are
// named with path and code, and change nothing.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Database, fixture } from './support/database.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, haveBinary } from './support/service.mjs';

// A number exactly as written in JSON, without JavaScript's rounding.
const raw = (text) => ({ raw: text });
const write = (value) => JSON.stringify(value, (_, v) => (v && typeof v === 'object' && 'raw' in v ? `@${v.raw}@` : v)).replace(/"@([^"]*)@"/g, '$1');

const noNumbers = ['1', '', 'NaN', true, [], {}].map((value) => [value, 'not_a_number']);
const far = ['9007199254740993', '9223372036854775807', '1e30', '-1e300'].map((text) => [raw(text), 'out_of_range']);
const refusesNull = (isNullable) => (isNullable ? [] : [[null, 'not_nullable']]);
const takesNull = (isNullable) => (isNullable ? [[null, null]] : []);

function integer(column, lowest, highest, isNullable) {
  return {
    column,
    taken: [[lowest, lowest], [highest, highest], [raw(`${lowest + 1}.0`), lowest + 1], ...takesNull(isNullable)],
    refused: [[lowest - 1, 'out_of_range'], [highest + 1, 'out_of_range'], [raw(`${lowest + 1}.5`), 'too_many_decimals'], [raw('1e-7'), 'too_many_decimals'],
      ...far, ...noNumbers, ...refusesNull(isNullable)],
  };
}

function decimal(column, highest, decimals, isNullable) {
  const unit = `0.${'0'.repeat(decimals - 1)}1`;
  return {
    column,
    taken: [[0, 0], [highest, highest], [raw(unit), Number(unit)], [raw(`${highest - 1}.9`), highest - 1 + 0.9], [raw('-0'), 0], [raw('1.50000'), 1.5], ...takesNull(isNullable)],
    refused: [[raw(`${highest}${unit.slice(1)}`), 'out_of_range'], [highest + 1, 'out_of_range'], [raw(`-${unit}`), 'out_of_range'],
      [raw(`0.${'0'.repeat(decimals)}4`), 'too_many_decimals'], [raw(`${highest - 1}.${'0'.repeat(decimals)}1`), 'too_many_decimals'], [raw('1e-30'), 'too_many_decimals'],
      ...far, ...noNumbers, ...refusesNull(isNullable)],
  };
}

function boolean(column) {
  return { column, taken: [[true, true], [false, false]], refused: [null, 'not_nullable', 1, 'not_a_boolean', 0, 'not_a_boolean', 'true', 'not_a_boolean', '', 'not_a_boolean', [], 'not_a_boolean'].flatMap((v, i, all) => (i % 2 ? [] : [[v, all[i + 1]]])) };
}

function text(column, limit) {
  const wide = ['n', '汉', '🙂'];
  return {
    column,
    taken: [['', ''], [' a\n"\\\'\t ', ' a\n"\\\'\t '], ...wide.map((c) => [c.repeat(limit), c.repeat(limit)]), [null, null]],
    refused: [...wide.map((c) => [c.repeat(limit + 1), 'too_long']), [1, 'not_a_string'], [true, 'not_a_string'], [[], 'not_a_string'], [{}, 'not_a_string']],
  };
}

const names = (n) => Array.from({ length: n }, (_, i) => `t${i}`);
const tags = {
  column: 'tags',
  taken: [[[], []], [names(20), names(20)], [['🙂'.repeat(32), '汉'.repeat(32)], ['🙂'.repeat(32), '汉'.repeat(32)]], [['a"b', 'c\\d', 'e,f'], ['a"b', 'c\\d', 'e,f']],
    [['x', 'y'], ['x', 'y']], [{ add: ['z'], remove: ['x', 'no'] }, ['y', 'z']], [{ add: ['y'] }, ['y', 'z']], [{ remove: ['y'] }, ['z']]],
  refused: [[names(21), 'too_many'], [['🙂'.repeat(33)], 'too_long'], [['a', 'a'], 'duplicate'], [[' a'], 'not_trimmed'], [[''], 'not_trimmed'], [[1], 'not_a_string'], [[null], 'not_a_string'],
    ['a', 'not_an_array'], [1, 'not_an_array'], [null, 'not_nullable'], [{ append: ['a'] }, 'unknown_field', '.append'], [{ add: 'a' }, 'not_an_array', '.add'], [{ remove: names(21) }, 'too_many', '.remove']],
};

const group = {
  column: 'provider_group',
  taken: [['', 'default'], [null, 'default'], [' , ,', 'default'], ['b, a,b', 'a,b'], ['组一，组二\n组一', '组一,组二'], ['🙂'.repeat(192), '🙂'.repeat(192)], ['g'.repeat(192), 'g'.repeat(192)]],
  refused: [['g'.repeat(201), 'too_long'], ['🙂'.repeat(201), 'too_long'], [7, 'not_a_string'], [['a'], 'not_a_string'], [false, 'not_a_string']],
};

const mode = (column) => ({ column, taken: [['rolling', 'rolling'], ['fixed', 'fixed']], refused: [['daily', 'not_a_mode'], [null, 'not_nullable'], [1, 'not_a_string']] });
const list = (column) => ({ column, taken: [[['b', 'a'], ['b', 'a']], [[], []]], refused: [['a', 'not_an_array'], [null, 'not_nullable'], [[1], 'not_a_string']] });
const json = (column) => ({ column, taken: [[{ b: 'x', aa: ['y'] }, { b: 'x', aa: ['y'] }], [['m'], ['m']], [null, null]], refused: [['x', 'not_json'], [1, 'not_json']] });

// Fields of v0.9 are refused when the database lacks their columns.
function providerFields(version) {
  const added = {
    allowed_clients: list('allowed_clients'), blocked_clients: list('blocked_clients'), limit_5h_reset_mode: mode('limit_5h_reset_mode'),
    codex_image_generation_preference: text('codex_image_generation_preference', 10), codex_service_tier_preference: text('codex_service_tier_preference', 20),
    anthropic_thinking_budget_preference: text('anthropic_thinking_budget_preference', 20), anthropic_adaptive_thinking: json('anthropic_adaptive_thinking'),
  };
  const width = version === 'v05' ? 50 : 255;
  return {
    group_tag: {
      column: 'group_tag', taken: [[' b，a,\n b ', 'b,a'], ['', null], [' ，', null], ['汉'.repeat(width), '汉'.repeat(width)], [null, null]],
      refused: [['n'.repeat(width + 1), 'too_long'], [1, 'not_a_string']],
    },
    model_redirects: json('model_redirects'), allowed_models: json('allowed_models'), limit_5h_usd: decimal('limit_5h_usd', 99999999, 2, true),
    limit_daily_usd: decimal('limit_daily_usd', 99999999, 2, true), daily_reset_mode: mode('daily_reset_mode'),
    daily_reset_time: { column: 'daily_reset_time', taken: [['23:59', '23:59'], ['00:00', '00:00']], refused: [['24:00', 'not_a_clock'], ['7:00', 'not_a_clock'], [null, 'not_nullable']] },
    ...(version === 'v09' ? added : Object.fromEntries(Object.keys(added).map((name) => [name, { column: name, taken: [], refused: [['x', 'no_column']] }]))),
  };
}

const fieldsOf = (version) => ({
  users: {
    note: text('description', 200), tags, rpm: integer('rpm_limit', 0, 1000000, true), dailyQuota: decimal('daily_limit_usd', 100000, 2, true),
    limit5hUsd: decimal('limit_5h_usd', 10000, 2, true), limitWeeklyUsd: decimal('limit_weekly_usd', 50000, 2, true), limitMonthlyUsd: decimal('limit_monthly_usd', 200000, 2, true),
    limit5hResetMode: version === 'v09' ? mode('limit_5h_reset_mode') : { column: 'limit_5h_reset_mode', taken: [], refused: [['fixed', 'no_column']] },
  },
  keys: {
    providerGroup: group, limit5hUsd: decimal('limit_5h_usd', 10000, 2, true), limitDailyUsd: decimal('limit_daily_usd', 10000, 2, true),
    limitWeeklyUsd: decimal('limit_weekly_usd', 50000, 2, true), limitMonthlyUsd: decimal('limit_monthly_usd', 200000, 2, true),
    canLoginWebUi: boolean('can_login_web_ui'), isEnabled: boolean('is_enabled'),
  },
  providers: {
    is_enabled: boolean('is_enabled'), priority: integer('priority', 0, 2147483647, false), weight: integer('weight', 1, 100, false),
    cost_multiplier: decimal('cost_multiplier', 999999, 4, false), ...providerFields(version),
  },
});
const idsName = { users: 'userIds', keys: 'keyIds', providers: 'providerIds' };

for (const version of ['v05', 'v09']) {
  describe(`fields of a hub ${version}`, { skip: !haveBinary && 'no binary' }, () => {
    let database, service;

    before(async () => {
      database = await Database.create(await startPostgres());
      await database.execFile(fixture(`hub-${version}.sql`));
      await database.exec(`
        INSERT INTO users (id, name, provider_group) VALUES (9001, 'edge', 'default');
        INSERT INTO keys (id, user_id, key, name) VALUES (9001, 9001, 'sk-edge-1', 'edge'), (9002, 9001, 'sk-edge-2', 'spare');
        INSERT INTO providers (id, name, url, key) VALUES (9001, 'edge', 'https://example.com', 'k')`);
      service = await Service.start({ dsn: database.dsn });
    });

    const row = (entity) => database.value(`SELECT to_jsonb(t) - 'updated_at' FROM ${entity} AS t WHERE id = 9001`).then(JSON.parse);
    async function send(entity, updates, dryRun = false) {
      const reply = await service.fetch(`/api/v1/${entity}:batchUpdate`, {
        method: 'POST', body: write({ [idsName[entity]]: [9001], updates, dryRun }), headers: { 'content-type': 'application/json' },
      });
      return { status: reply.status, body: await reply.json() };
    }

    // PostgreSQL's numeric decides what a number is, and whether two decimals represent it.
    test('a number is stored as it was written, or refused', async () => {
      const digits = () => String(Math.floor(Math.random() * 1e15));
      const numbers = ['0', '-0.00', '1e2', '1.5E1', '12.50000', '100000.00', '1e-2', '0.1e-1', '123456789e-4', '4.35', '8.145', '99999.99', '1e-400', '1e400',
        `10000.${'0'.repeat(80)}1`, `10000.${'0'.repeat(80)}`, ...Array.from({ length: 20 }, () => `${digits()}e-${Math.floor(Math.random() * 20)}`)];
      for (const text of numbers) {
        const [fits, wanted] = (await database.value(
          `SELECT concat_ws('|', n = round(n, 2) AND n BETWEEN 0 AND 100000, n::numeric(1000, 2)) FROM (SELECT '${text}'::numeric AS n) AS given`)).split('|');
        const reply = await send('users', { dailyQuota: raw(text) });
        assert.equal(reply.status, fits === 't' ? 200 : 400, text);
        if (fits === 't') assert.equal(await database.value('SELECT daily_limit_usd FROM users WHERE id = 9001'), wanted, text);
      }
    });

    test('numbers in a JSON value stay as they were written, in the row, the record and the undo', async () => {
      const numbers = { to: ['1e-400', '1e400', `10000.${'0'.repeat(80)}1`, '0.1', '1.50e1', '-0.0', '18446744073709551616'].map(raw), a: 'b' };
      const stored = await database.value(`SELECT '${write(numbers)}'::jsonb`);
      const value = () => database.value('SELECT model_redirects FROM providers WHERE id = 9001');
      const first = await send('providers', { model_redirects: numbers });
      assert.equal(first.status, 200, JSON.stringify(first.body));
      assert.equal(await value(), stored);
      const again = await send('providers', { model_redirects: numbers });
      assert.equal(again.body.changedCount, 0); // the requested value equals PostgreSQL's output of the stored one
      const second = await send('providers', { model_redirects: { other: 1 } });
      const record = await (await service.fetch(`/api/v1/operations/${second.body.operationId}`)).json();
      assert.deepEqual(record.rows[0].changes[0], { field: 'model_redirects', before: stored, after: { other: 1 } });
      const undone = await service.fetch(`/api/v1/operations/${second.body.operationId}:undo`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
      assert.equal(undone.status, 200);
      assert.equal(await value(), stored);
      const refused = await send('providers', { model_redirects: { to: raw('1e4000') } });
      assert.deepEqual([refused.status, refused.body.invalidParams?.[0].code], [400, 'number_too_long']);
    });

    for (const [entity, fields] of Object.entries(fieldsOf(version))) {
      for (const [field, { column, taken, refused }] of Object.entries(fields)) {
        test(`${entity}: ${field} is taken up to its edges, and refused beyond them`, async () => {
          for (const [value, stored] of taken) {
            const reply = await send(entity, { [field]: value });
            assert.equal(reply.status, 200, `${write(value)}: ${JSON.stringify(reply.body)}`);
            assert.deepEqual((await row(entity))[column], stored, write(value));
          }
          const before = await row(entity);
          for (const dryRun of [false, true]) {
            for (const [value, code, below = ''] of refused) {
              const reply = await send(entity, { [field]: value }, dryRun);
              assert.equal(reply.status, 400, `${write(value)}: ${JSON.stringify(reply.body)}`);
              const [problem, ...more] = reply.body.invalidParams;
              assert.deepEqual([problem.path, problem.code, more.length], [`updates.${field}${below}`, code, 0], write(value));
              assert.ok(problem.message.length > 0 && problem.message !== code);
            }
            for (const text of ['NaN', 'Infinity']) {
              const reply = await send(entity, { [field]: raw(text) }, dryRun);
              assert.deepEqual([reply.status, reply.body.errorCode], [400, 'request.malformed_json'], text);
            }
            for (const text of ['1e400', '18446744073709551616', '1e-400', `1.${'0'.repeat(300)}1`]) {
              const reply = await send(entity, { [field]: raw(text) }, dryRun);
              assert.deepEqual([reply.status, reply.body.invalidParams?.[0].path], [400, `updates.${field}`], text);
            }
          }
          assert.deepEqual(await row(entity), before);
        });
      }

      test(`${entity}: what is wrong with several fields is told of all of them`, async () => {
        const before = await row(entity);
        const updates = Object.fromEntries(Object.entries(fields).map(([field, { refused }]) => [field, refused[0][0]]));
        const reply = await send(entity, { ...updates, name: 'other', key: 'sk-other', role: 'admin', deleted_at: null });
        assert.equal(reply.status, 400);
        assert.deepEqual(reply.body.invalidParams.map((problem) => problem.path).sort(),
          [...Object.keys(fields), 'name', 'key', 'role', 'deleted_at'].map((field) => `updates.${field}`).sort());
        assert.deepEqual(await row(entity), before);
      });
    }
  });
}
