// The server of an e-mail channel, and how the connection to it is secured.

import { Form, Input, InputNumber, Select } from 'antd';
import { useTexts } from '../../../i18n/language';
import { texts } from './texts';
import { isHost, SECURITIES, usualPort, type Mail } from './values';

const labels = { tls: 'mailTls', starttls: 'mailStartTls', plain: 'mailPlain' } as const;

export function MailFields({ mail, onChange }: { mail: Mail; onChange: (change: Partial<Mail>) => void }) {
  const t = useTexts(texts);
  const isWrong = mail.host !== '' && !isHost(mail.host);
  return (
    <>
      <Form.Item className="backup-field" label={t('mailHost')} htmlFor="channel-host" required validateStatus={isWrong ? 'error' : ''} help={isWrong ? t('notHost') : undefined}>
        <Input id="channel-host" autoComplete="off" spellCheck={false} value={mail.host} onChange={(event) => onChange({ host: event.target.value.trim() })} />
      </Form.Item>
      <div className="backup-form">
        <Form.Item label={t('mailSecurity')} htmlFor="channel-security">
          <Select id="channel-security" value={mail.security} popupMatchSelectWidth={false} onChange={(security) => onChange({ security, port: null })} options={SECURITIES.map((value) => ({ value, label: t(labels[value]) }))} />
        </Form.Item>
        <Form.Item label={t('port')} htmlFor="channel-port">
          <InputNumber id="channel-port" min={1} max={65_535} precision={0} placeholder={String(usualPort(mail))} value={mail.port} onChange={(port) => onChange({ port })} />
        </Form.Item>
      </div>
    </>
  );
}
