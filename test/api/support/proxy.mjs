// A TCP proxy whose connections can be cut or frozen.

import net from 'node:net';
import { atExit } from './cleanup.mjs';

export class Proxy {
  // Forwards to `port` on the loopback.
  static async start(port) {
    const proxy = new Proxy();
    proxy.sockets = new Set();
    proxy.server = net.createServer((client) => {
      if (proxy.isFrozen) {
        // Accepted, as by the kernel for a stopped process, but never read.
        client.pause().unref();
        proxy.sockets.add(client);
        client.on('error', () => {});
        return;
      }
      const server = net.connect(port, '127.0.0.1');
      for (const [from, to] of [[client, server], [server, client]]) {
        proxy.sockets.add(from);
        from.unref(); // a finished test does not wait for hanging connections
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

  // Closes all connections on both sides, even in the middle of data; new ones are accepted.
  cut() {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  // Hangs: connections stay open, new ones are accepted, and nothing is forwarded.
  freeze() {
    this.isFrozen = true;
    for (const socket of this.sockets) {
      socket.unpipe();
      socket.pause();
    }
  }

  stop() {
    this.server.close();
    this.cut();
  }
}
