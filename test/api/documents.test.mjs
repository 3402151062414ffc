// The commands of the documents, run as they stand there: the first backup, the examples of the command line, backups by hand,
// and the day when only the bucket is left. What a reader has to fill in is filled in.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database, fixture } from './support/database.mjs';
import { runOk, until } from './support/run.mjs';
import { postgresBinDir, startPostgres } from './support/servers.mjs';
import { Service, adminToken, binary, haveBinary } from './support/service.mjs';

const examples = (name) => [...readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1]);
const only = (name, pattern) => {
  const found = examples(name).filter((script) => pattern.test(script));
  assert.equal(found.length, 1, `${name}: ${pattern}`);
  return found[0];
};
// Why a block of an English document does not run here, by what is in it; and where its kind runs.
const elsewhere = [
  [/^make |apt(-get)? install/m, 'it builds, installs or measures: packaging/test-packages, bench.test.mjs'],
  [/\bdocker\b/, 'no container engine: packaging/container/test-steps'],
  [/systemctl|\/etc\/cch-data\.env/, 'no systemd: packaging/test-deb'],
  [/cch-data serve$/m, "the hub's own servers: beside_hub.test.mjs"],
  [/smtps:/, 'a mail server: notify.test.mjs'],
  [/prices sync/, 'the cloud of prices: prices_sync.test.mjs'],
  [/^pg_dump -Fc -n cch_data|DROP SCHEMA cch_data/m, 'an upgrade: start.test.mjs'],
  [/^U=http/m, 'what the others are given'],
  [/--undo-discard/, 'import.test.mjs'],
  [/batch providers --from/, 'batch_cli.test.mjs'],
];
const plain = (script) => script.replaceAll(/(^| +)#.*$/gm, '').replaceAll(" -H 'Accept-Language: en'", '').replaceAll('"language":"zh-CN"', '"language":"en"').replaceAll('操作ID', 'OPERATION_ID').replaceAll(/^FROM=.*$/gm, 'FROM=');

describe('the commands of the documents', { skip: !haveBinary && 'no binary' }, () => {
  const dir = temporaryDirectory('documents');
  let server, database, service, env;
  const followed = [];

  before(async () => {
    server = await startPostgres();
    database = await Database.create(server, { name: 'hub' });
    await database.execFile(fixture('hub-v09.sql'));
    service = await Service.start({ dsn: database.dsn });
    await until('migrations', () => database.value(`SELECT to_regclass('cch_data.statistics_owed')`));
    const programs = path.join(dir, 'bin');
    mkdirSync(programs);
    writeFileSync(path.join(programs, 'cch-data'), `#!/bin/sh\nexec '${binary}' "$@"\n`, { mode: 0o755 });
    env = {
      PATH: `${programs}:${postgresBinDir()}:${process.env.PATH}`, HOME: dir, LANG: 'C.UTF-8', DSN: database.dsn, TOKEN: adminToken, U: service.url,
      CCH_DATA_DATA_DIR: service.dataDir, CCH_DATA_DRILL_MAX_LOAD: '0', PGHOST: server.directory, PGPORT: String(server.port), PGUSER: 'postgres',
    };
  });
  after(() => service?.stop());

  // Runs `script`, in which the first text of each pair has to be and is replaced by the second.
  const follow = async (script, pairs = []) => {
    followed.push(script);
    for (const [from, to] of pairs) {
      assert.ok(script.includes(from), `${from} is not in the example:\n${script}`);
      script = script.replaceAll(from, to);
    }
    return (await runOk('bash', ['-euo', 'pipefail', '-c', script], { onlyEnv: env, cwd: dir })).stdout;
  };
  const users = (of) => of.value(`SELECT md5(string_agg(u::text, ',' ORDER BY id)) FROM public.users u`);

  test('are the same in both languages', () => {
    const names = readdirSync(new URL('../../docs/zh-CN/', import.meta.url));
    assert.ok(names.length > 10);
    for (const name of names) assert.deepEqual(examples(`zh-CN/${name}`).map(plain), examples(name).map(plain), name);
  });

  test('make the first proven backup', async () => {
    const script = only('commands.md', /backup drill/);
    for (const line of plain(only('getting-started.md', /backup drill/)).trim().split('\n')) assert.ok(plain(script).includes(line), line);
    assert.match(await follow(script), /proven/);
  });

  test('make an archive by hand, which gets its place once it is verified', async () => {
    await follow(only('operations.md', /umask 077/), [['/backup/', `${dir}/`]]);
    const [day, ...others] = readdirSync(dir).filter((name) => name.startsWith('cch-'));
    assert.deepEqual(others, []);
    assert.ok(existsSync(path.join(dir, day, 'hub.dump.manifest.json')));
  });

  test('show the command line at work', async () => {
    const done = await follow('cch-data batch users --ids 1,2 --set tags=team-a --yes --json; curl -fsS -o keys.csv -H "Authorization: Bearer $TOKEN" "$U/api/v1/keys:export"');
    const { operationId } = done.trim().split('\n').map((line) => JSON.parse(line)).find(({ type }) => type === 'batch');
    writeFileSync(path.join(dir, 'prices.json'), '{"a-model": {"mode": "chat", "input_cost_per_token": 3e-6}}');
    const fill = [['http://127.0.0.1:23100', service.url], ['import --undo ', 'import --undo --yes '], ['--from keys.csv', '--from keys.csv --yes'], ['batch undo OPERATION_ID', `batch undo --yes ${operationId}`]];
    const before = await users(database);
    let imports = 0;
    for (const script of examples('commands.md').filter((text) => !text.includes('backup drill'))) {
      const output = await follow(script, fill.filter(([from]) => script.includes(from)));
      if (!script.includes('database/import')) continue;
      assert.match(output, /"type":"complete"/);
      assert.doesNotMatch(output, /"type":"error"/);
      imports++;
    }
    assert.equal(imports, 2);
    assert.notEqual(await users(database), before);
    assert.equal(await database.value(`SELECT count(*) FROM public.users WHERE tags::text LIKE '%team-a%'`), '0');
  });

  test('bring a database back of which only the backups are left', async () => {
    const from = path.join(service.dataDir, 'backups'), folder = path.join(from, 'daily');
    const file = path.join(folder, readdirSync(folder).filter((name) => name.endsWith('.dump')).sort().at(-1));
    const [scan, create, restore, without] = examples('backups.md').slice(-4);
    const lost = temporaryDirectory('new-machine', 0o700);
    const output = await follow(
      `export CCH_DATA_DATA_DIR='${lost}'\nunset DSN\n${scan}${create}${restore}`,
      [
        [/^FROM=.*$/m.exec(scan)[0], `FROM='${from}'`],
        [/^export DSN=.*$/m.exec(create)[0], `export DSN='${server.dsn('claude_code_hub')}'`],
        ['--identity key.txt --overwrite', '--overwrite --yes'],
      ],
    );
    assert.ok(output.includes(path.basename(file)), output);
    const copy = new Database(server, 'claude_code_hub');
    const rows = await users(copy);
    assert.equal(await copy.value('SELECT count(*) FROM public.users'), await database.value('SELECT count(*) FROM public.users'));
    await copy.exec('DELETE FROM public.keys');
    await follow(without, [['age -d -i key.txt backup_….dump.age', `cat '${file}'`]]);
    assert.equal(await users(copy), rows);
    assert.notEqual(await copy.value('SELECT count(*) FROM public.keys'), '0');
  });

  test('of the API do what they say', async () => {
    await follow('cch-data export --force backup.dump');
    const blocks = examples('api.md').filter((script) => !script.startsWith('U='));
    const tus = blocks.find((script) => script.includes('Tus-Resumable'));
    // An upload of its own for each request that uses one, made as the document does.
    const upload = `upload() { { ${tus} } >/dev/null; echo "\${LOCATION##*/}"; }\n`;
    for (const script of blocks) {
      let text = script.replaceAll('9f3c2a6b1d0e4f5a8b7c6d5e4f3a2b1c', `'"$(upload)"'`);
      if (text.includes('/exports/7/')) text = text.replace('exports/7/', `exports/$(curl -fsS -H "Authorization: Bearer $TOKEN" "$U/api/admin/database/exports" | grep -o '"id": *"\\?[0-9]*' | head -1 | grep -o '[0-9]*')/`);
      if (text.includes('undo?name=')) text = text.replace(/undo\?name=\w+/, `undo?name=$(curl -fsS -H "Authorization: Bearer $TOKEN" "$U/api/admin/database/import:undo" | grep -o '"name": *"[^"]*' | head -1 | sed 's/.*"//')`);
      followed.push(script);
      const output = await follow(`METRICS_TOKEN=$TOKEN\n${upload}${text}`);
      assert.doesNotMatch(output, /"type":"error"|"errorCode":"(?!resource\.not_found)/, script);
    }
  });

  const bare = (script) => script.replaceAll(/ +#.*$/gm, '').split('\n').map((line) => line.trim()).filter(Boolean);

  test('are all run, here or where it is said', (t) => {
    const missing = [];
    for (const name of readdirSync(new URL('../../docs/', import.meta.url)).filter((file) => file.endsWith('.md')))
      for (const script of examples(name)) {
        if (followed.some((text) => bare(script).every((line) => bare(text).includes(line)))) continue;
        const reason = elsewhere.find(([pattern]) => pattern.test(script))?.[1];
        if (reason) t.diagnostic(`${name}, ${script.split('\n')[0].slice(0, 60)}: not here, ${reason}`);
        else missing.push(`${name}:\n${script}`);
      }
    assert.deepEqual(missing, []);
  });
});
