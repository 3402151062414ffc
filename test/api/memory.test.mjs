// Memory stays constant, however large the archive and however slow the client.

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { temporaryDirectory } from './support/cleanup.mjs';
import { Database } from './support/database.mjs';
import { startPostgres } from './support/servers.mjs';
import { Service, haveBinary, isSanitized, peakRssBytes } from './support/service.mjs';
import { lastEvent } from './support/sse.mjs';
import { upload } from './support/upload.mjs';

const LIMIT = 64 * 1024 * 1024;
const skip = (!haveBinary && 'no binary') || (isSanitized && 'a sanitizer needs memory of its own');

describe('resident memory', { skip }, () => {
  test('stays under 64 MB while 500 MB are imported, merging or overwriting', async () => {
    const dir = temporaryDirectory('memory');
    const server = await startPostgres({ config: 'max_wal_size = 4GB' });
    const source = await Database.create(server);
    await source.exec(`CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat(md5(i::text), 40) FROM generate_series(1, 403000) AS i`);
    const archive = await source.pgDump(path.join(dir, 'large.dump'), '-Z0');
    await source.drop();
    const size = statSync(archive).size;
    assert.ok(size > 490 * 1024 * 1024 && size < 500 * 1024 * 1024, `${size} bytes`);
    const database = await Database.create(server);
    const service = await Service.start({ dsn: database.dsn, env: { AUTO_MIGRATE: 'false' } });
    for (const cleanFirst of ['false', 'true']) {
      const { events } = await upload(service, { file: archive, fields: { cleanFirst } });
      assert.equal(lastEvent(events).type, 'complete', JSON.stringify(lastEvent(events)));
      assert.equal(await database.count('t'), 403000);
      const peak = peakRssBytes(service.pid);
      assert.ok(peak < LIMIT, `${Math.round(peak / 1024 / 1024)} MB resident`);
    }
    await service.stop();
  });
});
