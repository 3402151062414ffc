// To whom a backup is encrypted. A pair of keys is made by the service, which keeps neither of them.

import { CopyOutlined, DownloadOutlined } from '@ant-design/icons';
import { Alert, App, Button, Checkbox, Flex, Form, Input, Switch } from 'antd';
import { useState } from 'react';
import { api, dataOf, type Schemas } from '../../../api/client';
import { useTexts } from '../../../i18n/language';
import { useAct } from '../actions';
import { texts } from '../texts';

function save(text: string, name: string) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function NewKey({ made, isKept, onKept }: { made: Schemas['BackupKey']; isKept: boolean; onKept: (isKept: boolean) => void }) {
  const t = useTexts(texts);
  const { message } = App.useApp();
  const copy = () => navigator.clipboard.writeText(made.secretKey).then(() => message.success(t('copied')), (error) => message.error(String(error)));
  return (
    <Alert
      type="warning" showIcon title={t('keyOnce')}
      description={(
        <Flex vertical gap="small">
          <code className="backup-key" aria-label={t('secretKey')}>{made.secretKey}</code>
          <Flex wrap gap="small">
            {window.isSecureContext && <Button size="small" icon={<CopyOutlined />} onClick={() => void copy()}>{t('copy')}</Button>}
            <Button size="small" icon={<DownloadOutlined />} onClick={() => save(`# public key: ${made.publicKey}\n${made.secretKey}\n`, 'backup-key.txt')}>{t('download')}</Button>
          </Flex>
          <Checkbox checked={isKept} onChange={(event) => onKept(event.target.checked)}>{t('keyKept')}</Checkbox>
        </Flex>
      )}
    />
  );
}

export interface Encryption {
  isOn: boolean;
  recipients: string; // one a line
  made: Schemas['BackupKey'] | null;
  isKept: boolean; // the secret key of `made`
}

export const recipientsOf = ({ isOn, recipients }: Encryption) => (isOn ? recipients.split('\n').map((line) => line.trim()).filter((line) => line !== '') : []);

export function EncryptionFields({ value, onChange }: { value: Encryption; onChange: (change: Partial<Encryption>) => void }) {
  const t = useTexts(texts);
  const { act, busy } = useAct();
  const [isDone, setDone] = useState(false);
  const make = () => act('key', async () => {
    const made = await dataOf(api.POST('/api/admin/backup-keys'));
    onChange({ made, isKept: false, recipients: [...recipientsOf(value), made.publicKey].join('\n') });
    setDone(true);
  });
  return (
    <>
      <Form.Item className="backup-field" label={t('encryption')}>
        <Flex gap="small" align="center"><Switch id="job-encrypt" aria-label={t('encrypt')} checked={value.isOn} onChange={(isOn) => onChange({ isOn })} /><span>{t('encrypt')}</span></Flex>
      </Form.Item>
      {value.isOn && (
        <>
          <Form.Item className="backup-field" label={t('recipients')} htmlFor="job-recipients">
            <Input.TextArea id="job-recipients" className="code-input" rows={3} value={value.recipients} onChange={(event) => onChange({ recipients: event.target.value })} />
          </Form.Item>
          {!isDone && <Form.Item className="backup-field"><Button loading={busy !== null} onClick={() => void make()}>{t('makeKey')}</Button></Form.Item>}
          {value.made && <NewKey made={value.made} isKept={value.isKept} onKept={(isKept) => onChange({ isKept })} />}
        </>
      )}
    </>
  );
}
