// What each type of channel needs, as src/notify has it, and the kinds of messages.

import type { Schemas } from '../../../api/client';
import type { texts } from './texts';

type Name = keyof typeof texts;
export type Type = Schemas['NotifyType'];
export type Kind = Schemas['NotifyKind'];

export interface Field {
  name: string;
  label: Name;
  hint?: Name;
  form: 'text' | 'url' | 'proxy' | 'mail' | 'mails' | 'json' | 'headers';
  isRequired?: boolean;
  isSecret?: boolean;
  isAdvanced?: boolean;
}

const url = (hint?: Name, label: Name = 'url'): Field => ({ name: 'url', label, form: 'url', isRequired: true, isSecret: true, ...(hint === undefined ? {} : { hint }) });
const secret: Field = { name: 'secret', label: 'signSecret', form: 'text', isSecret: true };
const proxy: Field = { name: 'proxyUrl', label: 'proxy', hint: 'proxyHint', form: 'proxy', isSecret: true, isAdvanced: true };

// An e-mail's server and security are fields of their own (mail_fields.tsx); a hub's target is chosen.
export const types: Record<Type, { label: Name; about: Name; fields: Field[] }> = {
  wechat: { label: 'typeWechat', about: 'aboutWechat', fields: [url('urlWechat'), proxy] },
  feishu: { label: 'typeFeishu', about: 'aboutFeishu', fields: [url('urlFeishu'), secret, proxy] },
  dingtalk: { label: 'typeDingtalk', about: 'aboutDingtalk', fields: [url('urlDingtalk'), secret, proxy] },
  telegram: {
    label: 'typeTelegram', about: 'aboutTelegram',
    fields: [
      { name: 'botToken', label: 'botToken', form: 'text', isRequired: true, isSecret: true }, { name: 'chatId', label: 'chatId', hint: 'chatIdHint', form: 'text', isRequired: true },
      { name: 'apiUrl', label: 'apiUrl', hint: 'apiUrlHint', form: 'url', isAdvanced: true }, proxy,
    ],
  },
  slack: { label: 'typeSlack', about: 'aboutSlack', fields: [url('urlSlack'), proxy] },
  email: {
    label: 'typeEmail', about: 'aboutEmail',
    fields: [
      { name: 'user', label: 'user', hint: 'userHint', form: 'text' }, { name: 'password', label: 'password', form: 'text', isSecret: true },
      { name: 'from', label: 'from', form: 'mail', isRequired: true }, { name: 'to', label: 'to', hint: 'toHint', form: 'mails', isRequired: true },
    ],
  },
  webhook: { label: 'typeWebhook', about: 'aboutWebhook', fields: [url(undefined, 'address'), secret, proxy] },
  custom: {
    label: 'typeCustom', about: 'aboutCustom',
    fields: [
      url(undefined, 'address'), { name: 'template', label: 'template', hint: 'templateHint', form: 'json', isRequired: true },
      { name: 'headers', label: 'headers', form: 'headers', isSecret: true }, proxy,
    ],
  },
  ping: { label: 'typePing', about: 'aboutPing', fields: [url('urlPing', 'address'), proxy] },
  hub: { label: 'typeHub', about: 'aboutHub', fields: [] },
};

export const firstTemplate = '{\n  "text": "{{title}}\\n{{sections}}\\n{{advice}}"\n}';

export const kinds: Record<Kind, { label: Name; title: Name; over: Name }> = {
  backup_failed: { label: 'backupFailed', title: 'titleBackupFailed', over: 'titleBackupFailedOver' },
  no_good_backup_for_hours: { label: 'noGoodBackup', title: 'titleNoGood', over: 'titleNoGoodOver' },
  verify_failed: { label: 'verifyFailed', title: 'titleVerify', over: 'titleVerifyOver' },
  drill_failed: { label: 'drillFailed', title: 'titleDrill', over: 'titleDrillOver' },
  destination_away: { label: 'destinationAway', title: 'titleAway', over: 'titleAwayOver' },
  disk_short: { label: 'diskShort', title: 'titleDisk', over: 'titleDiskOver' },
  lock_stuck: { label: 'lockStuck', title: 'titleLock', over: 'titleLockOver' },
  prices_held: { label: 'pricesHeld', title: 'titlePrices', over: 'titlePricesOver' },
  backup_succeeded: { label: 'backupSucceeded', title: 'titleSucceeded', over: 'titleSucceeded' },
};
export const kindNames = Object.keys(kinds) as Kind[];
export const problemKinds = kindNames.filter((kind) => kind !== 'backup_succeeded');
