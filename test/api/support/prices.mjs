// Made-up price tables, the same for the same seed.

function generator(seed) {
  let state = seed * 2654435761 >>> 0;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

const pieces = ['gpt', '-', '/', '.', ':', '@', '漢', 'é', '"', '\\', ' ', '4', 'Z', 'a', '_', "'", '#', '[', '😀', '\u007f'];

// A table's text, with numbers in every spelling that JSON allows.
export function randomTable(seed, count = 40) {
  const random = generator(seed);
  const pick = (list) => list[random(list.length)];
  const text = () => Array.from({ length: 1 + random(8) }, () => pick(pieces)).join('');
  const digits = (n) => Array.from({ length: n }, () => random(10)).join('');
  const number = () =>
    pick([
      () => `${random(1000)}`,
      () => `0.${digits(1 + random(20))}`,
      () => `${1 + random(9)}.${digits(1 + random(5))}e-${random(30)}`,
      () => `${1 + random(9)}E+${random(12)}`,
      () => `${1 + random(9)}${digits(25)}`,
    ])();
  const value = (depth) =>
    pick([
      number, number, () => JSON.stringify(text()), () => pick(['true', 'false']),
      () => (depth > 3 ? '[]' : `[${Array.from({ length: random(4) }, () => value(depth + 1)).join(',')}]`),
      () => (depth > 3 ? '{}' : object(depth + 1)),
    ])();
  const object = (depth) => {
    const keys = new Set(Array.from({ length: random(4) }, text));
    return `{${[...keys].map((key) => `${JSON.stringify(key)}:${value(depth)}`).join(',')}}`;
  };
  const models = new Map();
  while (models.size < count) {
    const name = text().trim();
    const costs = ['input_cost_per_token', 'output_cost_per_token', 'output_cost_per_image'].filter(() => random(2));
    const fields = ['"mode":"chat"', ...costs.map((cost) => `"${cost}":${number()}`), `"extra":${object(0)}`];
    if (name !== '') models.set(name, `{${fields.join(', ')}}`);
  }
  return `{${[...models].map(([name, fields]) => `${JSON.stringify(name)}: ${fields}`).join(',\n')}}`;
}

// A table of plain models: { a: 1 } is one model that costs 1 per token.
export const tableOf = (prices) =>
  JSON.stringify(Object.fromEntries(Object.entries(prices).map(([name, price]) => [name, { mode: 'chat', input_cost_per_token: price }])));

// A web server in the role of the cloud. `answer(request, response)` sets its answers, `serve` a table.
export async function startCloud() {
  const { createServer } = await import('node:http');
  const { createHash } = await import('node:crypto');
  const cloud = { requests: [] };
  cloud.serve = (text) => {
    const etag = `"${createHash('sha256').update(text).digest('hex').slice(0, 16)}"`;
    cloud.answer = (request, response) => {
      if (request.headers['if-none-match'] === etag) return response.writeHead(304, { etag }).end();
      return response.writeHead(200, { etag, 'content-type': 'application/json' }).end(text);
    };
  };
  const server = createServer((request, response) => {
    cloud.requests.push({ url: request.url, headers: request.headers });
    cloud.answer(request, response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  cloud.url = `http://127.0.0.1:${server.address().port}`;
  cloud.stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return cloud;
}
