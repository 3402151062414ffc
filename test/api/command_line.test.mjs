// The command line itself: help, misspelt words, pipes, waiting for the lock, errors for programs.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database } from './support/database.mjs';
import { startPostgres } from './support/servers.mjs';
import { binary, cli, haveBinary, startCli } from './support/service.mjs';
import { until } from './support/run.mjs';

const commands = ['serve', 'export', 'import', 'inspect', 'verify', 'prices', 'batch', 'migrate', 'demo'];
const english = { LC_ALL: 'C.UTF-8' };
const chinese = { LC_ALL: 'zh_CN.UTF-8', LANG: 'zh_CN.UTF-8' };

describe('the command line', { skip: !haveBinary && 'no binary' }, () => {
  const directory = temporaryDirectory('command-line');
  const run = (args, env = english, options = {}) => cli(args, { env, ...options });

  describe('explains', () => {
    for (const command of commands)
      test(`${command}, its options and examples, in both languages`, async () => {
        for (const [env, usage, examples] of [[english, /^Usage: cch-data/, /\nExamples:\n {2}.*cch-data/], [chinese, /^用法: cch-data/, /\n示例：\n {2}.*cch-data/]]) {
          const { code, stdout } = await run([command, '--help'], env);
          assert.equal(code, 0);
          assert.match(stdout, usage);
          assert.match(stdout, examples);
          assert.doesNotMatch(stdout, /--lock-ttl-ms/);
          assert.equal(stdout, (await run(['help', command], env)).stdout);
        }
      });

    test('every option in Chinese to those who read Chinese', async () => {
      for (const args of [...commands.map((name) => [name]), ['prices', 'sync'], ['prices', 'list'], ['prices', 'export'], ['batch', 'users'], ['batch', 'undo']]) {
        const { stdout } = await run([...args, '--help'], chinese);
        for (const line of stdout.split('\n示例')[0].split('\n').filter((text) => /^ {2}(-|\s+--)\S/.test(text) && /\s{2}\S/.test(text.slice(30))))
          assert.match(line, /[一-鿿]/, `${args.join(' ')}: ${line}`);
        assert.doesNotMatch(stdout, /Options|Usage|Examples/, args.join(' '));
      }
    });

    test('a verb with what it takes and nothing else', async () => {
      const { stdout } = await run(['prices', 'sync', '--help']);
      assert.match(stdout, /--beside-hub/);
      assert.doesNotMatch(stdout, /--page-size|--format/);
      assert.match((await run(['batch', '--help'])).stdout, /\n {2}undo OPERATION_ID\.\.\./);
    });

    test('the options of the service on a page of their own', async () => {
      const { code, stdout } = await run(['help', 'options']);
      assert.equal(code, 0);
      assert.match(stdout, /--listen-port/);
    });
  });

  describe('names the nearest right word', () => {
    const wrong = [
      [['exprot'], /"exprot"; did you mean "export"/], [['help', 'imprt'], /did you mean "import"/],
      [['prices', 'snyc'], /did you mean "sync"/], [['batch', 'provider', '--all'], /did you mean "providers"/],
      [['export', '--compresion', 'fast'], /--compresion; did you mean --compression/], [['export', '--compression', 'smal'], /did you mean "small"/],
      [['import', '--method', 'swpa', 'x'], /--method: .*did you mean "swap"/], [['import', '--on-conflict', 'udpate', 'x'], /did you mean "update"/],
      [['serve', '--listen-prot', '1'], /did you mean --listen-port/], [['prices', 'list', '--order', 'decs'], /did you mean "desc"/],
      [['prices', 'list', '--sort', 'name'], /--sort: .*modelName/], [['xyzzy'], /there are serve, export/],
    ];
    for (const [args, message] of wrong)
      test(args.join(' '), async () => {
        const { code, stderr, stdout } = await run(args, english, { dsn: 'host=127.0.0.1 port=1 dbname=none' });
        assert.equal(code, 2, stderr);
        assert.match(stderr, message);
        assert.equal(stdout, '');
      });

    test('in Chinese, and for programs as JSON', async () => {
      assert.match((await run(['exprot'], chinese)).stderr, /没有“exprot”；是否要用“export”？/);
      const { code, stderr } = await run(['import', '--json', '--methd', 'swap', 'x']);
      const error = JSON.parse(stderr);
      assert.deepEqual([code, error.type, error.errorCode, error.exitCode], [2, 'error', 'request.usage', 2]);
      assert.match(error.detail, /--method/);
    });
  });

  describe('with a database', () => {
    let server, database;
    before(async () => {
      server = await startPostgres();
      database = await Database.create(server);
      await database.exec(`CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 1000) AS i`);
    });

    test('an export into a pipe or a redirection is written there', async () => {
      const environment = { ...process.env, DSN: database.dsn, ...english, CCH_DATA_DATA_DIR: temporaryDirectory('data') };
      const piped = execFileSync('sh', ['-c', `"${binary}" export | cat`], { env: environment, cwd: directory, stdio: ['ignore', 'pipe', 'ignore'] });
      assert.equal(piped.subarray(0, 5).toString(), 'PGDMP');
      execFileSync('sh', ['-c', `"${binary}" export > redirected.dump`], { env: environment, cwd: directory, stdio: ['ignore', 'ignore', 'ignore'] });
      for (const name of ['redirected.dump']) {
        const { code, stdout } = await run(['verify', path.join(directory, name)]);
        assert.deepEqual([code, /intact/.test(stdout)], [0, true]);
      }
      assert.deepEqual(readdirSync(directory), ['redirected.dump']);
    });

    test('errors are JSON where JSON is asked for', async () => {
      const { code, stderr } = await run(['import', '--json', path.join(directory, 'absent.dump')], english, { dsn: database.dsn });
      const error = JSON.parse(stderr.trim().split('\n').at(-1));
      assert.deepEqual([error.type, error.exitCode], ['error', code]);
      assert.match(error.detail, /absent\.dump/);
    });

    test('--wait waits for the operation that runs, and says for whom', async () => {
      await database.exec('CREATE TABLE big (id int, v text); INSERT INTO big SELECT i, md5(i::text) FROM generate_series(1, 200000) AS i');
      // A client that does not read keeps an export running, and with it the lock.
      const holder = spawn('sh', ['-c', `"${binary}" export --no-manifest | (sleep 8; cat > /dev/null)`], {
        env: { ...process.env, DSN: database.dsn, ...english, CCH_DATA_DATA_DIR: temporaryDirectory('data') }, stdio: 'ignore' });
      const ended = new Promise((resolve) => holder.on('exit', resolve));
      await until('the lock', async () => (await database.value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'cch-data lock: export%'")) === '1', 20_000);
      const refused = await run(['export', path.join(directory, 'refused.dump')], english, { dsn: database.dsn });
      assert.equal(refused.code, 5, refused.stderr);
      const waited = startCli(['export', '--wait', '60', path.join(directory, 'waited.dump')], { dsn: database.dsn, env: english });
      const { code, stderr } = await waited.ended;
      assert.equal(code, 0, stderr);
      assert.match(stderr, /another backup operation is under way \(export by .*; waiting up to 60 s/);
      await ended;
      assert.equal(readFileSync(path.join(directory, 'waited.dump')).subarray(0, 5).toString(), 'PGDMP');
    });
  });
});
