// A TCP proxy whose connections can be cut.

import net from 'node:net';
import { atExit } from './cleanup.mjs';

export class Proxy {
  // Forwards to `port` on the loopback.
  static async start(port) {
    const proxy = new Proxy();
    proxy.sockets = new Set();
    proxy.server = net.createServer((client) => {
      const server = net.connect(port, '127.0.0.1');
      for (const [from, to] of [[client, server], [server, client]]) {
        proxy.sockets.add(from);
        from.on('error', () => {});
        from.on('close', () => {
          proxy.sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    await new Promise((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    proxy.port = proxy.server.address().port;
    proxy.server.unref();
    atExit(() => proxy.stop());
    return proxy;
  }

  // Ends all connections, on both sides, in the middle of whatever they carry; new ones are accepted.
  cut() {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  stop() {
    this.server.close();
    this.cut();
  }
}
