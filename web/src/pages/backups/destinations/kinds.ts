// What each kind of destination needs, as src/storage has it.

import type { texts } from '../texts';

type Name = keyof typeof texts;

export interface Setting {
  name: string;
  label: Name;
  type?: 'port' | 'flag' | 'lines' | 'vendor';
  hint?: Name;
  isRequired?: boolean;
  isAdvanced?: boolean;
}

export interface Secret {
  name: string;
  label: Name;
  isAdvanced?: boolean;
  hasLines?: boolean;
}

export type KindName = 'directory' | 's3' | 'webdav' | 'sftp' | 'rclone';

export const kinds: Record<KindName, { label: Name; settings: Setting[]; secrets: Secret[] }> = {
  directory: { label: 'kindDirectory', settings: [{ name: 'path', label: 'path', hint: 'pathHint' }], secrets: [] },
  s3: {
    label: 'kindS3',
    settings: [
      { name: 'endpoint', label: 'endpoint', hint: 'endpointHint' }, { name: 'region', label: 'region' }, { name: 'bucket', label: 'bucket', isRequired: true },
      { name: 'prefix', label: 'prefix' }, { name: 'accessKeyId', label: 'accessKeyId' },
      { name: 'pathStyle', label: 'pathStyle', type: 'flag', isAdvanced: true }, { name: 'storageClass', label: 'storageClass', isAdvanced: true },
      { name: 'provider', label: 'provider', isAdvanced: true }, { name: 'caFile', label: 'caFile', isAdvanced: true },
    ],
    secrets: [{ name: 'secretAccessKey', label: 'secretAccessKey' }, { name: 'sessionToken', label: 'sessionToken', isAdvanced: true }],
  },
  webdav: {
    label: 'kindWebdav',
    settings: [
      { name: 'url', label: 'url', hint: 'urlHint', isRequired: true }, { name: 'user', label: 'user' }, { name: 'path', label: 'folder' },
      { name: 'vendor', label: 'vendor', type: 'vendor', isAdvanced: true }, { name: 'caFile', label: 'caFile', isAdvanced: true },
    ],
    secrets: [{ name: 'password', label: 'password' }, { name: 'bearerToken', label: 'bearerToken', isAdvanced: true }],
  },
  sftp: {
    label: 'kindSftp',
    settings: [
      { name: 'host', label: 'host', isRequired: true }, { name: 'port', label: 'port', type: 'port' }, { name: 'user', label: 'user', isRequired: true }, { name: 'path', label: 'folder' },
      { name: 'hostKey', label: 'hostKey', type: 'lines', hint: 'hostKeyHint' },
      { name: 'knownHostsFile', label: 'knownHostsFile', isAdvanced: true }, { name: 'privateKeyFile', label: 'privateKeyFile', isAdvanced: true },
    ],
    secrets: [{ name: 'password', label: 'password' }, { name: 'privateKey', label: 'privateKey', hasLines: true }, { name: 'privateKeyPassphrase', label: 'privateKeyPassphrase' }],
  },
  rclone: {
    label: 'kindRclone',
    settings: [{ name: 'remote', label: 'remote', hint: 'remoteHint', isRequired: true }, { name: 'config', label: 'config' }],
    secrets: [{ name: 'configPassword', label: 'configPassword' }],
  },
};

export const isKind = (kind: string): kind is KindName => kind in kinds;
