// embed.mjs DIST OUTPUT.c: writes a C source that embeds the bundle's files through the assembler, with the table of src/web/assets.h.
// It is written only when it changes, to avoid needless builds.

import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const [dist, output] = process.argv.slice(2);

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.txt': 'text/plain; charset=utf-8',
};

const quote = (text) => JSON.stringify(text); // file names of the bundler are plain ASCII

const files = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !entry.name.startsWith('.') && !entry.name.endsWith('.gz'))
  .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
  .sort();

const assets = files.map((file, index) => {
  const type = TYPES[path.extname(file)];
  if (!type) throw new Error(`${file}: no content type is known for it`);
  const data = readFileSync(file);
  const gzip = gzipSync(data, { level: 9 });
  const saves = gzip.length < data.length * 0.95;
  if (saves) writeFileSync(`${file}.gz`, gzip);
  return {
    index, file: path.resolve(file), type, saves, size: data.length, gzipSize: gzip.length,
    address: `/${path.relative(dist, file).split(path.sep).join('/')}`,
    digest: createHash('sha256').update(data).digest('hex').slice(0, 32),
  };
});

const include = (symbol, file) => `  ${quote(`${symbol}: .incbin ${quote(file)}\n`)}`;
const symbols = assets.flatMap(({ index, saves }) => [`web_asset_${index}`, ...(saves ? [`web_asset_${index}_gzip`] : [])]);

const text = `/* Generated from the bundle. */
#include "web/assets.h"

__asm__(".section .rodata\\n"
${assets.flatMap(({ index, file, saves }) =>
    [include(`web_asset_${index}`, file), ...(saves ? [include(`web_asset_${index}_gzip`, `${file}.gz`)] : [])]).join('\n')}
  ".previous\\n");

${symbols.map((symbol) => `extern const char ${symbol}[];`).join('\n')}

const WebAsset web_assets[] = {
${assets.map(({ index, address, type, digest, size, gzipSize, saves }) =>
    `  {${quote(address)}, ${quote(type)}, "\\"${digest}\\"", web_asset_${index}, ${size}, ` +
    `${saves ? `web_asset_${index}_gzip, ${gzipSize}` : 'NULL, 0'}},`).join('\n')}
};
const guint web_n_assets = ${assets.length};
`;

let before = null;
try {
  before = readFileSync(output, 'utf8');
} catch {
  // The output does not exist yet.
}
if (before !== text) writeFileSync(output, text);
