// A typical reverse proxy: below a path, with a limit for bodies. It can be stopped and started again.

import http from 'node:http';
import { atExit } from '../../api/support/cleanup.mjs';

export class HttpProxy {
  // Removes `prefix` ("/cch") from requests to `service`. Answers more than `maxBodyBytes` with 413, like nginx.
  static async start(service, { prefix = '', maxBodyBytes = Infinity } = {}) {
    const proxy = new HttpProxy();
    proxy.isAway = false;
    proxy.tooLarge = []; // announced sizes of refused bodies
    proxy.strayed = []; // requests outside of the prefix
    proxy.server = http.createServer((request, response) => proxy.answer(request, response, { service, prefix, maxBodyBytes }));
    await new Promise((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}`;
    proxy.server.unref();
    atExit(() => proxy.server.closeAllConnections());
    return proxy;
  }

  refuse(request, response, status) {
    request.resume();
    request.on('end', () => {
      response.writeHead(status, { 'content-type': 'text/html' });
      response.end(`<html><head><title>${status}</title></head><body>nginx</body></html>`);
    });
  }

  answer(request, response, { service, prefix, maxBodyBytes }) {
    if (this.isAway) return this.refuse(request, response, 502);
    if (!request.url.startsWith(`${prefix}/`)) {
      this.strayed.push(request.url);
      return this.refuse(request, response, 404);
    }
    const length = Number(request.headers['content-length'] ?? 0);
    if (length > maxBodyBytes) {
      this.tooLarge.push(length);
      return this.refuse(request, response, 413);
    }
    const to = new URL(service.url);
    const headers = { ...request.headers, 'x-forwarded-prefix': prefix };
    const forward = http.request(
      { host: to.hostname, port: to.port, method: request.method, path: request.url.slice(prefix.length), headers },
      (answer) => {
        const location = answer.headers.location;
        // Like nginx's proxy_redirect.
        const given = location?.startsWith('/') && !location.startsWith(`${prefix}/`) ? { ...answer.headers, location: prefix + location } : answer.headers;
        response.writeHead(answer.statusCode, given);
        answer.pipe(response);
      },
    );
    forward.on('error', () => response.destroy());
    response.on('close', () => forward.destroy());
    request.pipe(forward);
    return undefined;
  }
}
