// `cch-data batch`: rows chosen by conditions, ids or a file; preview, application in batches of 500, and undo.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { readCsv } from './support/csv.mjs';
import { Database, fixture } from './support/database.mjs';
import { runOk } from './support/run.mjs';
import { startPostgres, startRedis } from './support/servers.mjs';
import { Service, binary, cli, haveBinary } from './support/service.mjs';

describe('batches on the command line', { skip: !haveBinary && 'no binary' }, () => {
  const directory = temporaryDirectory('batch');
  let server, template, redis, count = 0;

  before(async () => {
    [server, redis] = await Promise.all([startPostgres(), startRedis()]);
    template = await Database.create(server, { name: 'hub' });
    await template.execFile(fixture('hub-v09.sql'));
    await template.exec(`
      INSERT INTO users (id, name, rpm_limit, limit_5h_usd, tags)
      SELECT 50000 + i, 'user ' || i, i % 3, CASE WHEN i % 2 = 0 THEN 5 END, CASE WHEN i <= 1240 THEN '["bulk"]'::jsonb ELSE '[]' END FROM generate_series(1, 1300) AS i;
      INSERT INTO keys (id, user_id, key, name) SELECT 60000 + i, 50000 + (i + 1) / 2, 'sk-' || i, 'key ' || i FROM generate_series(1, 2000) AS i;
      INSERT INTO providers (id, name, url, key, group_tag) SELECT 70000 + i, 'provider ' || i, 'https://' || i || '.example.com', 'k' || i, 'bulk' FROM generate_series(1, 3) AS i`);
    assert.equal((await cli(['migrate'], { dsn: template.dsn })).code, 0);
  });

  const fresh = () => Database.create(server, { template: 'hub' });
  const batch = (database, ...args) => cli(['batch', ...args], { dsn: database.dsn, env: { REDIS_URL: redis.url, LC_ALL: 'C.UTF-8' } });
  const lines = (result) => result.stdout.trim().split('\n').map((line) => JSON.parse(line));
  const write = (text, name = `rows-${++count}.csv`) => {
    writeFileSync(path.join(directory, name), text);
    return path.join(directory, name);
  };
  const operations = (database) => database.count('cch_data.operations');

  test('everything that conditions take is changed, 500 at a time, and each batch can be taken back', async () => {
    const database = await fresh();
    const before = await database.fingerprint();
    const dry = await batch(database, 'users', '--where', 'tags=bulk', '--set', 'rpm=2', '--set', 'limit5hUsd=10.5', '--dry-run');
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stdout, /^users: 1240 rows chosen, 1240 would change, in 3 batches of up to 500/);
    assert.match(dry.stdout, /users\.rpm \(827\): 1 \(414\), 0 \[unlimited\] \(413\) → 2\n/);
    assert.match(dry.stdout, /users\.limit5hUsd \(1240\): null \(620\), 5\.00 \(620\) → 10\.50\n/);
    assert.match(dry.stdout, /users 50001 "user 1": rpm 1 → 2, limit5hUsd null → 10\.50/);
    assert.equal(await database.fingerprint(), before);
    const piped = await batch(database, 'users', '--where', 'tags=bulk', '--set', 'rpm=2');
    assert.equal(piped.code, 2);
    assert.match(piped.stderr, /--yes/);
    assert.equal(await database.fingerprint(), before);
    const done = await batch(database, 'users', '--where', 'tags=bulk', '--set', 'rpm=2', '--yes', '--json');
    assert.equal(done.code, 0, done.stderr);
    const all = lines(done);
    assert.deepEqual(all.map((line) => line.type), ['preview', 'preview', 'preview', 'batch', 'batch', 'batch', 'result']);
    assert.deepEqual(all.filter((line) => line.type === 'batch').map((line) => line.requestedCount), [500, 500, 240]);
    const result = all.at(-1);
    assert.deepEqual([result.requested, result.done, result.changed, result.notDone], [1240, 1240, 827, 0]);
    assert.equal(await database.value("SELECT count(*) FROM users WHERE rpm_limit = 2 AND tags ? 'bulk'"), '1240');
    const undone = await batch(database, 'undo', ...result.operationIds, '--yes');
    assert.equal(undone.code, 0, undone.stderr);
    assert.equal(await database.value("SELECT count(*) FROM users WHERE rpm_limit = id % 3 AND tags ? 'bulk'"),
      await template.value("SELECT count(*) FROM users WHERE rpm_limit = id % 3 AND tags ? 'bulk'"));
    assert.equal(await database.value("SELECT count(*) FROM users WHERE rpm_limit = 2 AND tags ? 'bulk'"), '413');
  });

  test('an answer on a terminal decides', async () => {
    const database = await fresh();
    // script(1) gives the program a terminal.
    const ask = (answer) => runOk('script', ['-qec', `${binary} batch users --ids 50001 --set note=asked`, '/dev/null'],
      { onlyEnv: { ...process.env, DSN: database.dsn, LC_ALL: 'C.UTF-8', TERM: 'dumb' }, input: answer }).catch((error) => error);
    await ask('no\n');
    assert.equal(await database.value('SELECT description FROM users WHERE id = 50001'), null);
    await ask('yes\n');
    assert.equal(await database.value('SELECT description FROM users WHERE id = 50001'), 'asked');
  });

  test('each row of a file has its own values, and an empty cell leaves the value', async () => {
    const database = await fresh();
    const file = write('\uFEFFid,name,rpm,limit5hUsd,note,tags\r\n50001,whoever,10,1.25,"say ""hi"", you\r\nthere","a,b"\r\n50002,,,null,,\r\n50003,,30,,\'null,[]\r\n\r\n');
    const done = await batch(database, 'users', '--from', file, '--yes', '--json');
    assert.equal(done.code, 0, done.stderr);
    assert.deepEqual([lines(done).at(-1).done, lines(done).at(-1).changed], [3, 3]);
    const row = (id) => database.value(`SELECT json_build_array(rpm_limit, limit_5h_usd, description, tags) FROM users WHERE id = ${id}`).then(JSON.parse);
    assert.deepEqual(await row(50001), [10, 1.25, 'say "hi", you\r\nthere', ['a', 'b']]);
    assert.deepEqual(await row(50002), [2, null, null, ['bulk']]);
    assert.deepEqual(await row(50003), [30, null, 'null', []]);
    assert.ok(!existsSync(`${file}.rest.csv`));
    assert.deepEqual(readdirSync(directory).filter((name) => name.includes('partial')), []);
    const json = write('[{"id": 50004, "rpm": 7, "tags": {"add": ["x"]}}, {"id": 50005, "limit5hUsd": 0.01}]', 'rows.json');
    const second = await batch(database, 'users', '--from', json, '--yes');
    assert.equal(second.code, 0, second.stderr);
    assert.deepEqual([await row(50004), await row(50005)], [[7, 5, null, ['bulk', 'x']], [2, 0.01, null, ['bulk']]]);
  });

  test('files of spreadsheets are read with the separator and the encoding that they have, or called by their name', async () => {
    const database = await fresh();
    const header = ['id', 'name', 'note', 'rpm'];
    const table = (separator, rpm) => [header, ['50001', 'user 1', `"a${separator}b, 中文"`, rpm]].map((row) => row.join(separator)).join('\r\n') + '\r\n';
    const utf16 = (text) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
    const contents = [table(';', 11), table('\t', 12), `sep=;\r\n${table(';', 13)}`, utf16(table('\t', 14)), utf16(table('\t', 15)).swap16(), table(',', 16)];
    for (const [i, content] of contents.entries()) {
      const done = await batch(database, 'users', '--from', write(content), '--yes');
      assert.equal(done.code, 0, `${i}: ${done.stderr}`);
      assert.deepEqual(JSON.parse(await database.value('SELECT json_build_array(rpm_limit, description LIKE \'a_b, 中文\') FROM users WHERE id = 50001')), [11 + i, true]);
    }
    const gbk = Buffer.concat([Buffer.from('id,name,note,rpm\r\n50001,user 1,'), Buffer.from([0xd6, 0xd0, 0xce, 0xc4]), Buffer.from(',9\r\n')]);
    const refused = await batch(database, 'users', '--from', write(gbk), '--yes');
    assert.equal(refused.code, 3, refused.stderr);
    assert.match(refused.stderr, /line 2: not UTF-8 but probably GBK.*iconv -f GBK/);
    assert.equal(await database.value('SELECT rpm_limit FROM users WHERE id = 50001'), '16');
  });

  test('what was exported over HTTP and not edited changes nothing', async () => {
    const database = await fresh();
    const service = await Service.start({ dsn: database.dsn, redisUrl: redis.url });
    await database.exec(`UPDATE users SET description = '=1+1', tags = '["null"]' WHERE id = 50001; UPDATE users SET provider_group = 'other' WHERE id = 50002`);
    for (const entity of ['users', 'keys', 'providers']) {
      const reply = await service.fetch(`/api/v1/${entity}:export?format=csv`);
      assert.equal(reply.status, 200);
      const text = await reply.text();
      const file = write(text);
      const done = await batch(database, entity, '--from', file, '--yes', '--json');
      assert.equal(done.code, 0, `${entity}: ${done.stderr} ${done.stdout.slice(-500)}`);
      assert.deepEqual([lines(done).at(-1).changed, lines(done).at(-1).requested], [0, readCsv(text.replace('\uFEFF', '')).length - 1], entity);
    }
    assert.equal(await database.value('SELECT provider_group FROM users WHERE id = 50002'), 'other');
    await service.stop();
  });

  test('every bad cell is told with its line and column before anything is changed', async () => {
    const database = await fresh();
    const file = write('id,rpm,limit5hUsd,role,notes\n50001,60,,,\n50002,1e9,0.004,,\nx,NaN,,,\n50001,1,,,\n99999999,1,1,,\n50003,1,"1\n2",,\n50004,1\n');
    const bad = await batch(database, 'users', '--from', file, '--yes');
    assert.equal(bad.code, 3);
    for (const line of ['line 1, column notes: is not a known field', 'line 3, column rpm: must be from 0 to 1000000', 'line 3, column limit5hUsd: has at most 2 decimals',
      'line 4, column id: must be an id', 'line 4, column rpm: must be a number', 'line 5, column id: is there twice', 'line 7, column limit5hUsd: must be a number', 'line 9: has another number of cells'])
      assert.ok(bad.stderr.includes(`${file}: ${line}`), `${line}\n${bad.stderr}`);
    assert.match(bad.stderr, /8 bad values; nothing was changed/);
    const unknown = await batch(database, 'users', '--from', write('id,rpm\n50001,9\n99999999,1\n'), '--yes');
    assert.equal(unknown.code, 3);
    assert.match(unknown.stderr, /line 3, column id: does not exist, or was deleted/);
    for (const [text, message] of [
      ['id,rpm\n1,"x', /line 2: a quote that is never closed/], ['name,rpm\na,1\n', /no column "id"/], ['', /no column "id"/], ['id,rpm\n1,a"b\n', /line 2: a quote inside a cell/],
      ['id\n50001\n', /no column of a field/], [Buffer.from('id,note\n1,\xff\n', 'latin1'), /line 2: not UTF-8/], ['[{"id": 1},', /line 1/], ['{"id": 1}', /not an array/],
      ['[{"id": 50001, "rpm": -1}, 5]', /\[0\]\.rpm: must be from/], [`id${',rpm'.repeat(70)}\n`, /more than 64 columns/]]) {
      const result = await batch(database, 'users', '--from', write(text), '--yes');
      assert.equal(result.code, 3, `${text}: ${result.stderr}`);
      assert.match(result.stderr, message);
    }
    assert.equal(await operations(database), 0);
  });

  test('what cannot be done is written to a file that can be given again', async () => {
    const database = await fresh();
    // Users 50001 to 50700 with two keys each; a user of the second batch would lose both.
    await database.exec('UPDATE keys SET is_enabled = false WHERE id = 61100');
    const rows = Array.from({ length: 1200 }, (_, i) => `${60001 + i},key,${i === 1098 ? 'false' : ''},7.5`);
    const file = write(`id,name,isEnabled,limitDailyUsd\r\n${rows.join('\r\n')}\r\n`);
    const done = await batch(database, 'keys', '--from', file, '--yes', '--json');
    assert.equal(done.code, 7, done.stderr);
    assert.match(done.stderr, /Cannot disable the last active key.*"detail":"users: user 550 \(50550\)"/);
    const result = lines(done).at(-1);
    assert.deepEqual([result.requested, result.done, result.notDone, result.rest], [1200, 1000, 200, `${file}.rest.csv`]);
    assert.equal(await database.value('SELECT count(*) FROM keys WHERE limit_daily_usd = 7.5'), '1000');
    const rest = readFileSync(`${file}.rest.csv`, 'utf8');
    assert.deepEqual(readCsv(rest), [['id', 'name', 'isEnabled', 'limitDailyUsd'], ...rows.slice(1000).map((row) => row.split(','))]);
    const again = await batch(database, 'keys', '--from', file, '--yes');
    assert.equal(again.code, 2);
    assert.match(again.stderr, /exists; move it away/);
    await database.exec('UPDATE keys SET is_enabled = true WHERE id = 61100');
    const second = await batch(database, 'keys', '--from', `${file}.rest.csv`, '--yes', '--rest', path.join(directory, 'rest.csv'));
    assert.equal(second.code, 0, second.stderr);
    assert.match(second.stdout, /keys: 200 rows, 200 done \(200 changed\), 0 not done/);
    assert.equal(await database.value('SELECT count(*) FROM keys WHERE limit_daily_usd = 7.5'), '1200');
    assert.ok(!existsSync(path.join(directory, 'rest.csv')));
  });

  test("a user's keys stay in one batch, so that one may stand in for another", async () => {
    const database = await fresh();
    await database.exec('UPDATE keys SET is_enabled = false WHERE id % 2 = 0 AND id > 60000');
    // Split by id, the pairs would be in different batches.
    const rows = [1, 0].flatMap((odd) => Array.from({ length: 600 }, (_, i) => `${60001 + 2 * i + (1 - odd)},${odd ? 'false' : 'true'}`));
    const done = await batch(database, 'keys', '--from', write(`id,isEnabled\n${rows.join('\n')}\n`), '--yes');
    assert.equal(done.code, 0, done.stderr);
    assert.equal(await database.value('SELECT count(*) FROM keys WHERE is_enabled = (id % 2 = 0) AND id BETWEEN 60001 AND 61200'), '1200');
  });

  test('providers are deleted and brought back, and circuit breakers closed', async () => {
    const database = await fresh();
    await redis.command('HSET', 'circuit_breaker:state:70001', 'circuitState', 'open', 'failureCount', '5');
    const reset = await batch(database, 'circuits', '--reset', '--ids', '70001-70003', '--yes', '--json');
    assert.equal(reset.code, 0, reset.stderr);
    assert.deepEqual(lines(reset).find((line) => line.type === 'batch').resetIds, [70001]);
    const deleted = await batch(database, 'providers', '--delete', '--where', 'groups=bulk', '--yes', '--json');
    assert.equal(deleted.code, 0, deleted.stderr);
    const alive = () => database.value('SELECT count(*) FROM providers WHERE id > 70000 AND deleted_at IS NULL');
    assert.equal(await alive(), '0');
    const [id] = lines(deleted).at(-1).operationIds;
    const dry = await batch(database, 'undo', id, '--dry-run');
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stdout, /providers 70001 "provider 1": deleted_at "[^"]+" → null/);
    assert.equal(await alive(), '0');
    assert.equal((await batch(database, 'undo', id, '--yes')).code, 0);
    assert.equal(await alive(), '3');
    const twice = await batch(database, 'undo', id, '--yes');
    assert.equal(twice.code, 3);
    const nothing = await batch(database, 'undo', lines(reset).at(-1).operationIds[0], '--yes');
    assert.match(nothing.stderr, /changed nothing that could be set back/);
  });

  test('an undo names the rows that were changed since, and leaves them if asked to', async () => {
    const database = await fresh();
    const done = await batch(database, 'users', '--ids', '50001,50002', '--set', 'tags+=new,x', '--set', 'tags-=bulk', '--yes', '--json');
    assert.equal(done.code, 0, done.stderr);
    assert.equal(await database.value('SELECT tags FROM users WHERE id = 50002'), '["new", "x"]');
    await database.exec("UPDATE users SET tags = '[]' WHERE id = 50001");
    const [id] = lines(done).at(-1).operationIds;
    const refused = await batch(database, 'undo', id, '--yes');
    assert.equal(refused.code, 7);
    assert.match(refused.stderr, /! users 50001 "user 1"/);
    const rest = await batch(database, 'undo', id, '--yes', '--skip-conflicts');
    assert.equal(rest.code, 0, rest.stderr);
    assert.deepEqual([await database.value('SELECT tags FROM users WHERE id = 50001'), await database.value('SELECT tags FROM users WHERE id = 50002')], ['[]', '["bulk"]']);
  });

  test('a wrong command line changes nothing and says what is right', async () => {
    const database = await fresh();
    for (const [args, message] of [
      [['users'], /--set FIELD=VALUE/], [['users', '--all'], /--set FIELD=VALUE/], [['users', '--set', 'rpm=1'], /one of --where, --ids, --from and --all/],
      [['users', '--all', '--ids', '1', '--set', 'rpm=1'], /one of --where/], [['users', '--delete', '--all'], /does not take --delete/],
      [['circuits', '--all'], /needs --reset/], [['users', '--all', '--set', 'rpm'], /FIELD=VALUE/], [['users', '--ids', '5-1', '--set', 'rpm=1'], /1,2,5-9/],
      [['users', '--where', 'colour=red', '--set', 'rpm=1'], /there is no "colour"; there are/], [['users', '--where', 'status', '--set', 'rpm=1'], /NAME=VALUE/],
      [['users', '--where', 'q=a&q=b', '--set', 'rpm=1'], /twice/], [['nothing'], /there are users, keys/], [['user', '--all'], /did you mean "users"/], [['undo'], /OPERATION_ID/],
      [['undo', 'nothing', '--yes'], /nothing/], [['users', '--ids', '1', '--set', 'role=admin'], /there is no "role"/], [['users', '--ids', '1', '--set', 'rpn=5'], /did you mean "rpm"/], [['users', '--where', 'statsu=active', '--set', 'rpm=1'], /did you mean "status"/],
      [['users', '--ids', '1', '--set', 'rpm=-1', '--set', 'dailyQuota=0.001'], /rpm: must be from[^]*dailyQuota: has at most/],
      [['keys', '--ids', '1', '--set', 'isEnabled=maybe'], /must be true or false/], [['users', '--ids', '1', '--set', 'rpm=1', '--set', 'rpm=2'], /rpm: is there twice/],
      [['users', '--ids', '1,987654', '--set', 'rpm=1', '--yes'], /id: does not exist, or was deleted: 987654$/m], [['users', '--from', '/nonexistent', '--set', 'rpm=1'], /open \/nonexistent/]]) {
      const result = await batch(database, ...args);
      assert.ok([1, 2, 3].includes(result.code), `${args.join(' ')}: ${result.code} ${result.stderr}`);
      assert.match(result.stderr, message, args.join(' '));
    }
    assert.equal(await operations(database), 0);
    const none = await batch(database, 'users', '--where', 'q=nobody-at-all', '--set', 'rpm=1');
    assert.equal(none.code, 0, none.stderr);
    const help = await batch(database, 'users', '--help');
    assert.match(help.stdout, /--where/);
  });

  test('without Redis the change stands, and the report says that the hub notices late', async () => {
    const database = await fresh();
    const done = await cli(['batch', 'users', '--ids', '50001', '--set', 'rpm=77', '--yes'], { dsn: database.dsn, env: { REDIS_URL: 'redis://127.0.0.1:1', LC_ALL: 'C.UTF-8' } });
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /no Redis/);
    assert.equal(await database.value('SELECT rpm_limit FROM users WHERE id = 50001'), '77');
    const reset = await cli(['batch', 'circuits', '--reset', '--ids', '70001', '--yes'], { dsn: database.dsn, env: { REDIS_URL: 'redis://127.0.0.1:1', LC_ALL: 'C.UTF-8' } });
    assert.equal(reset.code, 4, reset.stderr);
  });
});
