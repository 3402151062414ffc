// lying_webdav.mjs PORT: a WebDAV server in memory that misbehaves as the first part of the path says:
//   honest     as it should
//   short      stores half of what is PUT, and says 201
//   changed    stores another byte
//   vanish     says 201, and stores nothing
//   busy       503 with Retry-After for the first two requests of each method
//   down       503 for ever
//   full       507 for every PUT
//   large      413 for every PUT
//   gateway    stores what is PUT, and says 504 to the first one
//   lostmove   moves, then breaks the connection
//   breaking   breaks off the first GETs in the middle
//   shortget   GET gives half of the file, as if it were whole
//   longget    GET ignores Range and begins anew, after a first GET that breaks off
//   hang       answers nothing after the head of a PUT
//   locked     403 for every DELETE, with the words for an object under a lock
// Like 坚果云 it says 409 where a folder is missing. GET /log gives the requests.
import http from 'node:http';

const files = new Map(), folders = new Set(['/']), counts = new Map(), log = [];
const folderOf = (path) => path.slice(0, path.lastIndexOf('/') + 1) || '/';
const isFolder = (path) => folders.has(path.endsWith('/') ? path : `${path}/`);

function entry(path) {
  const href = encodeURI(path);
  const isFile = files.has(path);
  const kind = isFile ? `<D:resourcetype/><D:getcontentlength>${files.get(path).length}</D:getcontentlength>`
    : '<D:resourcetype><D:collection/></D:resourcetype>';
  return `<D:response><D:href>${href}</D:href><D:propstat><D:prop>${kind}<D:getlastmodified>Thu, 29 Jan 2026 10:30:00 GMT</D:getlastmodified></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`;
}

function propfind(path, depth, reply) {
  const base = path.endsWith('/') ? path : `${path}/`;
  if (!files.has(path) && !isFolder(path)) return reply(404);
  const found = [path];
  if (isFolder(path) && depth !== '0') {
    for (const file of files.keys()) if (folderOf(file) === base) found.push(file);
    for (const folder of folders) if (folder !== base && folderOf(folder.slice(0, -1)) === base) found.push(folder);
  }
  reply(207, `<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">${found.map(entry).join('')}</D:multistatus>`, { 'content-type': 'application/xml' });
}

function put(mode, path, body, count, reply) {
  if (mode === 'full') return reply(507);
  if (mode === 'large') return reply(413);
  if (!isFolder(folderOf(path))) return reply(409);
  if (mode === 'short') files.set(path, body.subarray(0, body.length >> 1));
  else if (mode === 'changed') files.set(path, Buffer.concat([body.subarray(0, -1), Buffer.from([body.at(-1) ^ 1])]));
  else if (mode !== 'vanish') files.set(path, body);
  reply(mode === 'gateway' && count === 1 ? 504 : 201);
}

function get(mode, path, request, response, count, reply) {
  const content = files.get(path);
  if (content === undefined) return reply(404);
  const from = mode === 'longget' ? 0 : Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const part = content.subarray(from, mode === 'shortget' ? content.length >> 1 : undefined);
  const breaks = (mode === 'breaking' && count <= 6) || (mode === 'longget' && count <= 1);
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': part.length, 'accept-ranges': 'bytes',
    ...(from > 0 && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }) });
  if (!breaks) return response.end(part);
  response.write(part.subarray(0, Math.max(1, part.length >> 1)), () => setTimeout(() => response.destroy(), 20));
}

function move(mode, path, target, response, reply) {
  const content = files.get(path);
  if (content === undefined) return reply(404);
  if (!isFolder(folderOf(target))) return reply(409);
  files.delete(path);
  files.set(target, content);
  if (mode === 'lostmove') return response.destroy();
  reply(201);
}

http.createServer((request, response) => {
  const path = decodeURI(new URL(request.url, 'http://x').pathname);
  const mode = path.split('/')[1];
  const reply = (status, text = '', headers = {}) => { if (!response.headersSent) response.writeHead(status, headers); response.end(text); };
  if (path === '/log') return reply(200, log.join('\n'));
  const key = `${mode} ${request.method}`, count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  log.push(`${request.method} ${path}`);
  if (mode === 'hang' && request.method === 'PUT') return request.resume();
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    if (mode === 'down' || (mode === 'busy' && count <= 2)) return reply(503, '', { 'retry-after': '1' });
    if (mode !== '' && !folders.has(`/${mode}/`)) folders.add(`/${mode}/`);
    const target = request.headers.destination && decodeURI(new URL(request.headers.destination).pathname);
    switch (request.method) {
      case 'PROPFIND': return propfind(path, request.headers.depth, reply);
      case 'MKCOL':
        if (isFolder(path)) return reply(405);
        if (!isFolder(folderOf(path.replace(/\/$/, '')))) return reply(409);
        folders.add(path.endsWith('/') ? path : `${path}/`);
        return reply(201);
      case 'PUT': return put(mode, path, Buffer.concat(pieces), count, reply);
      case 'GET': return get(mode, path, request, response, count, reply);
      case 'MOVE': return move(mode, path, target, response, reply);
      case 'DELETE':
        if (mode === 'locked') return reply(403, '<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"><s:exception>Locked</s:exception><s:message>Object is WORM protected</s:message></d:error>');
        return reply(files.delete(path) ? 204 : 404);
      default: return reply(405);
    }
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
