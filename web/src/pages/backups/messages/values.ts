// A channel's settings as the form has them, as texts, and as the API does. The service checks them again.

import type { Field } from './kinds';
import type { texts } from './texts';

export type Values = Record<string, string | undefined>; // a secret that is undefined stays, one that is "" goes

export const SECURITIES = ['tls', 'starttls', 'plain'] as const;

export interface Mail {
  host: string;
  port: number | null; // null: the usual one
  security: (typeof SECURITIES)[number];
}

const mailbox = /^[^\s@<>,;:"()[\]\\]+@[^\s@<>,;:"()[\]\\]+$/;
const addresses = (text: string) => text.split(/[,;，；、\s]+/).filter((address) => address !== '');
const headerLine = /^([A-Za-z0-9_-]{1,100})\s*[:：]\s*(\S.*)$/;

function isUrl(text: string, schemes: string[]): boolean {
  const found = /^([a-z][a-z0-9]*):\/\/([^\s/?#]+)\S*$/i.exec(text);
  return found !== null && schemes.includes(found[1]!.toLowerCase());
}

function objectOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

const linesOf = (text: string) => text.split('\n').map((line) => line.trim()).filter((line) => line !== '');

// What is wrong with a text that is not empty.
export function problemOf({ form }: Field, text: string): keyof typeof texts | null {
  switch (form) {
    case 'text': return null;
    case 'url': return isUrl(text, ['http', 'https']) ? null : 'notUrl';
    case 'proxy': return isUrl(text, ['http', 'https', 'socks4', 'socks4a', 'socks5', 'socks5h']) ? null : 'notProxy';
    case 'mail': return mailbox.test(text) ? null : 'notMail';
    case 'mails': return addresses(text).length <= 20 && addresses(text).every((address) => mailbox.test(address)) && addresses(text).length > 0 ? null : 'notMails';
    case 'json': return objectOf(text) ? null : 'notJson';
    case 'headers': return linesOf(text).every((line) => headerLine.test(line)) ? null : 'notHeaders';
  }
}

export function textOf({ form }: Field, value: unknown): string {
  if (form === 'json') return value === undefined ? '' : JSON.stringify(value, null, 2);
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'string' ? value : '';
}

// null removes the setting.
export function valueOf({ form }: Field, given: string): unknown {
  const text = given.trim();
  if (text === '') return null;
  if (form === 'json') return objectOf(text);
  if (form === 'mails') return addresses(text);
  if (form === 'headers') return Object.fromEntries(linesOf(text).map((line) => headerLine.exec(line)!.slice(1, 3)));
  return text;
}

export function mailOf({ server, plain }: Record<string, unknown>): Mail {
  const found = /^(smtps?):\/\/(\[[^\]]+\]|[^:/?#]+)(?::(\d+))?/i.exec(typeof server === 'string' ? server : '');
  if (!found) return { host: '', port: null, security: 'tls' };
  const security = found[1]!.toLowerCase() === 'smtps' ? 'tls' : plain === true ? 'plain' : 'starttls';
  return { host: found[2]!.replace(/^\[|\]$/g, ''), port: found[3] !== undefined ? Number(found[3]) : security === 'starttls' ? 25 : null, security }; // without a port smtp:// is 25
}

export const usualPort = ({ security }: Mail) => ({ tls: 465, starttls: 587, plain: 25 })[security];
export const isHost = (host: string) => /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(host) || /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]+$/.test(host);
export const isThisMachine = ({ host }: Mail) => ['localhost', '127.0.0.1', '::1'].includes(host);

export function serverOf(mail: Mail): string {
  const host = mail.host.includes(':') ? `[${mail.host}]` : mail.host;
  return `${mail.security === 'tls' ? 'smtps' : 'smtp'}://${host}:${mail.port ?? usualPort(mail)}`;
}
