// An overwrite by swap while its archive is uploaded, at the speed at which the upload takes as long as the import of the complete
// file, and at half and twice that.

import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Database } from '../api/support/database.mjs';
import { allEvents, lastEvent } from '../api/support/sse.mjs';
import { createUpload, patch } from '../api/support/tus.mjs';
import { assertContents } from './support/contents.mjs';
import { median } from './support/measure.mjs';
import { megabytes, ratio, seconds, table } from './support/report.mjs';

const PIECE_MS = 100;
const UPLOADS = { 'half as long as the import': 0.5, 'as long as the import': 1, 'twice as long': 2 };

export async function run(bench) {
  const { server, source, directory, runs, log, cores } = bench;
  const file = await source.pgDump(path.join(directory, 'uploading.dump'), '-N', 'cch_data');
  const archive = readFileSync(file);
  const target = await Database.create(server);
  await target.pgRestore(file, '--no-owner', '-j', String(cores));
  rmSync(file);
  const service = await bench.startService(target);
  const admin = new Database(server, 'postgres');

  const begin = async (location, whileUploading) => {
    const answer = await service.fetch('/api/admin/database/import', {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ uploadId: location.split('/').at(-1), cleanFirst: true, method: 'swap', whileUploading }),
    });
    const last = lastEvent(await allEvents(answer));
    assert.equal(last.type, 'complete', JSON.stringify(last));
  };
  // Sends the archive in `time` seconds, by the clock.
  const send = async (location, time) => {
    const start = performance.now();
    for (let at = 0; at < archive.length;) {
      const due = Math.min(archive.length, Math.ceil((archive.length * (performance.now() - start)) / (time * 1000)));
      if (due > at) assert.equal((await patch(service, location, at, archive.subarray(at, due))).status, 204);
      at = Math.max(at, due);
      if (at < archive.length) await delay(PIECE_MS);
    }
  };
  const timed = async (work) => {
    await target.exec('DELETE FROM message_request WHERE id % 100 = 0; CHECKPOINT');
    const start = performance.now();
    await work();
    const time = (performance.now() - start) / 1000;
    await assertContents(target, bench.expected, 'uploading');
    const kept = await admin.rows(`SELECT datname FROM pg_catalog.pg_database WHERE datname LIKE '${target.name}%' AND datname <> '${target.name}'`);
    for (const [name] of kept) await new Database(server, name).drop();
    await target.exec('VACUUM ANALYZE'); // nothing of the import is left to do
    return time;
  };

  const alone = [];
  const together = new Map(Object.keys(UPLOADS).map((name) => [name, []]));
  for (let round = 0; round < runs; round++) {
    const whole = await createUpload(service, archive.length);
    assert.equal((await patch(service, whole, 0, archive)).status, 204);
    alone.push(await timed(() => begin(whole, false)));
    for (const [name, part] of Object.entries(UPLOADS)) {
      const location = await createUpload(service, archive.length);
      together.get(name).push(await timed(() => Promise.all([send(location, median(alone) * part), begin(location, true)])));
    }
    log(`uploading, round ${round + 1}`);
  }
  await service.stop();
  const importTime = median(alone);
  return `The archive has ${megabytes(archive.length)}; the import of the complete file took ${seconds(importTime)}.\n\n` + table(
    ['the upload takes', 'alone', 'upload, then import', 'import while uploading', 'times as fast as one after the other', 'of the longer of the two'],
    Object.entries(UPLOADS).map(([name, part]) => {
      const time = median(together.get(name));
      const both = importTime * (part + 1);
      return [name, seconds(importTime * part), seconds(both), seconds(time), ratio(both / time), ratio(time / (importTime * Math.max(part, 1)))];
    }),
  );
}
