// A mail server on the loopback that keeps what it gets: in the clear, with STARTTLS, or TLS from the first byte.

import net from 'node:net';
import tls from 'node:tls';

export class MailServer {
  // `tls`: { key, cert }; `mode`: 'plain', 'starttls' or 'smtps'; `replies`: other replies to a command's first word.
  static async start({ tls: options, mode = 'starttls', replies = {} } = {}) {
    const server = new MailServer();
    Object.assign(server, { mails: [], logins: [], mode, replies, options });
    server.listener = mode === 'smtps'
      ? tls.createServer(options, (socket) => server.serve(socket, true))
      : net.createServer((socket) => server.serve(socket, false));
    server.listener.on('tlsClientError', () => {});
    await new Promise((resolve) => server.listener.listen(0, '127.0.0.1', resolve));
    server.listener.unref();
    server.port = server.listener.address().port;
    return server;
  }

  stop() {
    this.listener.close();
  }

  serve(socket, isSecure) {
    socket.on('error', () => {});
    socket.unref();
    const mail = { to: [], isSecure };
    let buffer = '', inData = false, inAuth = false;
    const say = (text) => socket.write(`${text}\r\n`);
    say('220 mail.test ESMTP');
    const take = (line) => {
      if (inAuth) {
        inAuth = false;
        this.logins.push({ secret: Buffer.from(line, 'base64').toString().split('\0').slice(1), isSecure });
        return say('235 in');
      }
      const word = line.split(/[ :]/)[0].toUpperCase();
      if (this.replies[word] !== undefined) return say(this.replies[word]);
      if (word === 'EHLO') return say(`250-mail.test\r\n250-AUTH PLAIN${this.mode === 'starttls' && !isSecure ? '\r\n250-STARTTLS' : ''}\r\n250 SMTPUTF8`);
      if (word === 'STARTTLS') {
        say('220 go');
        socket.removeAllListeners('data');
        const secure = new tls.TLSSocket(socket, { isServer: true, ...this.options });
        secure.on('error', () => {});
        return this.continueSecure(secure);
      }
      if (word === 'AUTH') {
        inAuth = true;
        return say('334 ');
      }
      if (word === 'MAIL') mail.from = /<(.*)>/.exec(line)[1];
      if (word === 'RCPT') mail.to.push(/<(.*)>/.exec(line)[1]);
      if (word === 'DATA') {
        inData = true;
        return say('354 go');
      }
      if (word === 'QUIT') return socket.end('221 bye\r\n');
      return say('250 ok');
    };
    socket.on('data', (chunk) => {
      buffer += chunk.toString('latin1');
      for (;;) {
        const end = buffer.indexOf(inData ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        const part = buffer.slice(0, end);
        buffer = buffer.slice(end + (inData ? 5 : 2));
        if (inData) {
          inData = false;
          this.mails.push({ ...mail, text: part });
          say('250 kept');
        } else take(part);
      }
    });
  }

  // The client begins anew after the handshake, without a greeting.
  continueSecure(secure) {
    const write = secure.write.bind(secure);
    let isFirst = true;
    secure.write = (...args) => (isFirst ? ((isFirst = false), true) : write(...args));
    this.serve(secure, true);
  }
}

// The parts of a mail: { headers, body } with the encoded words and base64 decoded.
export function readMail(text) {
  const [head, body] = [text.slice(0, text.indexOf('\r\n\r\n')), text.slice(text.indexOf('\r\n\r\n') + 4)];
  const headers = Object.fromEntries(head.replace(/\r\n /g, ' ').split('\r\n').map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]));
  headers.subject = headers.subject.split(' ').map((word) => Buffer.from(/^=\?UTF-8\?B\?(.*)\?=$/.exec(word)[1], 'base64').toString()).join('');
  return { headers, body: Buffer.from(body, 'base64').toString() };
}
