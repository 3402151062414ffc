// The reverse proxies of docs/operations.md, as they stand there, on their own host and under a path: pages, API, uploads, exports,
// events. Only addresses, certificates and ports are replaced.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { atExit, endSync, temporaryDirectory } from './support/cleanup.mjs';
import { Database } from './support/database.mjs';
import { freePort, isRoot, startPostgres } from './support/servers.mjs';
import { run, runOk, until } from './support/run.mjs';
import { Service, adminToken, cli, haveBinary } from './support/service.mjs';

const dir = temporaryDirectory('proxies');
const document = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
const blocks = (language) => [...document.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map((match) => match[1]);
const have = (program) => spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin; command -v ${program}`]).status === 0;

const running = []; // proxies

function replace(text, pairs) {
  for (const [from, to] of pairs) {
    assert.ok(text.includes(from), `${from} is not in the example`);
    text = text.replaceAll(from, to);
  }
  return text;
}

async function startProxy(program, args, port) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin`, HOME: dir } });
  atExit(() => endSync(child.pid));
  running.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  await until(`${program} to listen`, async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${output}`);
    return (await run('curl', ['-sk', '-o', path.join(dir, 'first'), `http://127.0.0.1:${port}/`])).code === 0;
  });
  return child;
}

// Where each proxy serves, by its name: { root, path }.
const starters = {
  async nginx(service) {
    const [snippet, server, location, ...rest] = blocks('nginx');
    assert.deepEqual(rest, []);
    const [tls, plain] = [await freePort(), await freePort()];
    const base = path.join(dir, 'nginx');
    mkdirSync(path.join(base, 'snippets'), { recursive: true });
    await runOk('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=data.example.org', '-keyout', `${base}/key.pem`, '-out', `${base}/cert.pem`]);
    writeFileSync(`${base}/snippets/cch-data.conf`, replace(snippet, [['127.0.0.1:23100', `127.0.0.1:${service.port}`]]));
    const own = replace(server, [['listen 443 ssl', `listen 127.0.0.1:${tls} ssl`],
      ['/etc/ssl/certs/data.example.org.pem', `${base}/cert.pem`], ['/etc/ssl/private/data.example.org.key', `${base}/key.pem`]]);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${base}/${name};`).join(' ');
    writeFileSync(`${base}/nginx.conf`, `${isRoot ? 'user root;' : ''} daemon off; pid ${base}/pid; error_log stderr; worker_processes 1; events {}
      http { access_log off; ${temporary} ${own} server { listen 127.0.0.1:${plain}; ${location} } }`);
    await startProxy('nginx', ['-p', base, '-c', `${base}/nginx.conf`], plain);
    return { root: `https://127.0.0.1:${tls}`, path: `http://127.0.0.1:${plain}` };
  },
  async caddy(service) {
    const [text, ...rest] = blocks('caddyfile');
    assert.deepEqual(rest, []);
    const [own, other] = [await freePort(), await freePort()];
    const file = path.join(dir, 'Caddyfile');
    writeFileSync(file, `{\n  admin off\n  auto_https off\n}\n${replace(text, [['127.0.0.1:23100', `127.0.0.1:${service.port}`],
      ['data.example.org {', `http://127.0.0.1:${own} {`]]).replace('\nexample.org {', `\nhttp://127.0.0.1:${other} {`)}`);
    await startProxy('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], other);
    return { root: `http://127.0.0.1:${own}`, path: `http://127.0.0.1:${other}` };
  },
};

describe('behind a reverse proxy as documented', { skip: !haveBinary && 'no binary' }, () => {
  let service, archive;
  before(async () => {
    const server = await startPostgres();
    const database = await Database.create(server);
    await database.exec('CREATE TABLE public.t (i integer PRIMARY KEY); INSERT INTO public.t SELECT generate_series(1, 1000)');
    archive = path.join(dir, 'hub.dump');
    service = await Service.start({ dsn: database.dsn, env: { TRUST_PROXY: 'true' } });
    assert.equal((await cli(['export', archive], { dsn: database.dsn })).code, 0);
  });

  after(() => running.forEach((child) => child.kill()));

  for (const [name, start] of Object.entries(starters))
    test(`${name}: pages, API, sign-in, uploads, exports and events, under / and under a path`, { skip: !have(name) && `${name} is not installed` }, async () => {
      const at = await start(service);
      for (const [origin, base] of [[at.root, ''], [at.path, '/cch']]) {
        const curl = async (...args) => (await runOk('curl', ['-sS', '-k', '--max-time', '60', ...args])).stdout;
        const token = ['-H', `Authorization: Bearer ${adminToken}`];
        const url = `${origin}${base}`;

        const page = await curl('-fL', base === '' ? `${url}/` : url);
        const root = new URL(page.match(/<base href="([^"]+)"/)[1], `${url}/`);
        const files = [...page.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map((match) => new URL(match[1], root));
        assert.ok(files.length > 0, page);
        for (const file of files) {
          assert.ok(file.pathname.startsWith(`${base}/`), file.href);
          assert.ok((await curl('-f', '--compressed', file.href)).length > 100, file.href);
        }

        assert.match(await curl('-f', `${url}/THIRD-PARTY-NOTICES.txt`), /^antd \d/m);

        assert.equal(JSON.parse(await curl('-f', ...token, `${url}/api/admin/database/status`)).isAvailable, true);
        const login = await curl('-f', '-i', '--json', JSON.stringify({ key: adminToken }), `${url}/api/auth/login`);
        assert.match(login, new RegExp(`^set-cookie: .*; path=${base}/[;\\r]`, 'im'));
        assert.equal(/^set-cookie: .*; secure/im.test(login), origin.startsWith('https'));

        const exported = path.join(dir, `${name}${base === '' ? '' : '-path'}.dump`);
        await curl('-f', ...token, '-o', exported, `${url}/api/admin/database/export`);
        assert.equal((await cli(['verify', exported])).code, 0);

        const bytes = readFileSync(archive);
        const created = await curl('-f', '-i', '-X', 'POST', ...token, '-H', 'Tus-Resumable: 1.0.0', '-H', `Upload-Length: ${bytes.length}`,
          '-H', 'Upload-Metadata: filename aHViLmR1bXA=', `${url}/api/admin/database/uploads`);
        const location = new URL(created.match(/^location: (.*)\r$/im)[1], url);
        assert.ok(location.pathname.startsWith(`${base}/api/`), location.href);
        const sent = await curl('-f', '-i', '-X', 'PATCH', ...token, '-H', 'Tus-Resumable: 1.0.0', '-H', 'Upload-Offset: 0',
          '-H', 'Content-Type: application/offset+octet-stream', '--data-binary', `@${archive}`, `${origin}${location.pathname}`);
        assert.match(sent, new RegExp(`^upload-offset: ${bytes.length}\\r$`, 'im'));

        const events = await curl('-f', '-N', '-i', ...token, '-F', 'cleanFirst=false', '-F', `file=@${archive}`, `${url}/api/admin/database/import`);
        assert.match(events, /^content-type: text\/event-stream/im);
        assert.match(events.trimEnd().split('\n').at(-1), /"type":"complete"/);
      }
    });

  test('the example for Traefik names the same service and path', () => {
    const [traefik] = blocks('yaml').filter((text) => text.startsWith('http:'));
    assert.match(traefik, /url: http:\/\/127\.0\.0\.1:23100$/m);
    assert.match(traefik, /X-Forwarded-Prefix: \/cch$/m);
  });
});
