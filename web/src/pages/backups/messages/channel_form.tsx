// A channel: where its messages go, in which language, and what it tells of.

import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Checkbox, Collapse, Drawer, Flex, Form, Input, Radio, Select, Typography } from 'antd';
import { useState } from 'react';
import { api, dataOf } from '../../../api/client';
import { ErrorNotice } from '../../../components/page';
import { useLanguage, useTexts } from '../../../i18n/language';
import { backupsKey, idPath } from '../queries';
import { SecretField } from '../secret_field';
import { texts as pageTexts } from '../texts';
import { firstTemplate, kindNames, kinds, problemKinds, types, type Field, type Kind, type Type } from './kinds';
import { MailFields } from './mail_fields';
import type { Channel, HubTarget } from './queries';
import { texts } from './texts';
import { isHost, isThisMachine, mailOf, problemOf, serverOf, textOf, valueOf, type Values } from './values';

interface FieldProps {
  field: Field;
  isSet: boolean; // a secret
  isAgain: boolean; // a secret that has to be given again
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

function SettingField({ field, isSet, isAgain, value, onChange }: FieldProps) {
  const t = useTexts(texts);
  const { name, label, hint, form, isRequired = false, isSecret } = field;
  const id = `channel-${name}`;
  const problem = value === undefined || value.trim() === '' ? null : problemOf(field, value.trim());
  const shownHint = problem ? <Typography.Text type="danger">{t(problem)}</Typography.Text> : isAgain ? <Typography.Text type="warning">{t(name === 'headers' ? 'headersAgain' : 'again')}</Typography.Text> : hint && t(hint);
  if (isSecret) return <SecretField id={id} label={t(label)} hint={shownHint} isSet={isSet} isRequired={isRequired} hasLines={form === 'headers'} value={value} onChange={onChange} />;
  return (
    <Form.Item className="backup-field" label={t(label)} htmlFor={id} required={isRequired} validateStatus={problem ? 'error' : ''} extra={shownHint}>
      {form === 'json'
        ? <Input.TextArea id={id} className="code-input" rows={6} spellCheck={false} value={value} onChange={(event) => onChange(event.target.value)} />
        : <Input id={id} autoComplete="off" spellCheck={false} value={value} onChange={(event) => onChange(event.target.value)} />}
    </Form.Item>
  );
}

const firstValues = (type: Type, channel: Channel | null): Values => Object.fromEntries(
  types[type].fields.filter(({ isSecret }) => !isSecret).map((field) => [field.name, channel ? textOf(field, channel.settings[field.name]) : field.form === 'json' ? firstTemplate : '']),
);

interface Props {
  channel: Channel | null; // null: a new one
  hubTargets: HubTarget[];
  onClose: () => void;
  onSaved: (id: number, isToTest: boolean) => void;
}

export function ChannelForm({ channel, hubTargets, onClose, onSaved }: Props) {
  const t = useTexts(texts);
  const page = useTexts(pageTexts);
  const { language: shown } = useLanguage();
  const queries = useQueryClient();
  const { message } = App.useApp();
  const [type, setType] = useState<Type>(channel?.type ?? 'wechat');
  const [name, setName] = useState(channel?.name ?? '');
  const [enabled, setEnabled] = useState(channel?.enabled ?? true);
  const [language, setLanguage] = useState<Channel['language']>(channel?.language ?? shown);
  const [told, setTold] = useState<Kind[]>(channel?.kinds ?? problemKinds);
  const [values, setValues] = useState(() => firstValues(type, channel));
  const before = mailOf(channel?.settings ?? {});
  const [mail, setMail] = useState(before);
  const [target, setTarget] = useState(Number(channel?.settings.targetId) || null);
  const [error, setError] = useState<unknown>(null);
  const [saving, setSaving] = useState<'save' | 'test' | null>(null);
  const { about, fields } = types[type];

  const isSet = ({ name: field }: Field) => channel?.secrets[field] === true;
  const hasPassword = values.password === undefined ? channel?.secrets.password === true : values.password !== '';
  const plainPassword = type === 'email' && mail.security === 'plain' && hasPassword && !isThisMachine(mail);
  // Whether a secret would go to another server.
  const isMoved = channel !== null && {
    email: serverOf(mail) !== serverOf(before), telegram: (values.apiUrl ?? '').trim() !== textOf({ name: 'apiUrl', label: 'apiUrl', form: 'url' }, channel.settings.apiUrl), custom: values.url !== undefined,
  }[type as string] === true;
  const isAgain = (field: Field) => isMoved && isSet(field) && ['password', 'botToken', 'headers'].includes(field.name) && values[field.name] === undefined;
  const isWrong = (field: Field) => {
    const text = values[field.name]?.trim() ?? '';
    if (text === '') return field.isRequired === true && !(field.isSecret && isSet(field) && !isAgain(field));
    return problemOf(field, text) !== null;
  };
  const isMissing = name.trim() === '' || fields.some(isWrong) || (type === 'email' && !isHost(mail.host)) || plainPassword || (type === 'hub' && target === null);

  const settings = () => {
    const given = fields.filter(({ isSecret, name: field }) => !isSecret || values[field] !== undefined).map((field) => [field.name, valueOf(field, values[field.name] ?? '')] as const);
    const all: Record<string, unknown> = Object.fromEntries(channel ? given : given.filter(([, value]) => value !== null));
    if (type === 'email') Object.assign(all, { ...(channel && !isMoved ? {} : { server: serverOf(mail) }), plain: mail.security === 'plain' });
    if (type === 'hub') all.targetId = target;
    return all;
  };
  const save = async (isToTest: boolean) => {
    setSaving(isToTest ? 'test' : 'save');
    setError(null);
    const body = { name: name.trim(), enabled, language, settings: settings(), ...(type === 'ping' ? {} : { kinds: told }) };
    try {
      const saved = channel
        ? await dataOf(api.PATCH('/api/admin/notify/channels/{id}', { ...idPath(channel.id), body }))
        : await dataOf(api.POST('/api/admin/notify/channels', { body: { ...body, type } }));
      await queries.invalidateQueries({ queryKey: backupsKey });
      void message.success(t('savedChannel', { name: saved.name }));
      onSaved(saved.id, isToTest);
    } catch (problem) {
      setError(problem);
      setSaving(null);
    }
  };
  const fieldOf = (field: Field) => (
    <SettingField key={field.name} field={field} isSet={isSet(field)} isAgain={isAgain(field)} value={values[field.name]} onChange={(value) => setValues((old) => ({ ...old, [field.name]: value }))} />
  );
  const advanced = fields.filter(({ isAdvanced }) => isAdvanced);
  const choices = (Object.keys(types) as Type[]).filter((choice) => choice !== 'hub' || hubTargets.length > 0);
  return (
    <Drawer open size={560} title={channel ? t('editChannel', { name: channel.name }) : t('addChannel')} onClose={onClose} mask={{ closable: false }}
      footer={(
        <Flex vertical gap="small">
          {error !== null && <ErrorNotice error={error} />}
          <Flex gap="small" wrap>
            <Button type="primary" loading={saving === 'test'} disabled={isMissing || saving !== null} onClick={() => void save(true)}>{t('saveAndTest')}</Button>
            <Button loading={saving === 'save'} disabled={isMissing || saving !== null} autoInsertSpace={false} onClick={() => void save(false)}>{t('save')}</Button>
            <Button autoInsertSpace={false} onClick={onClose}>{page('cancel')}</Button>
          </Flex>
        </Flex>
      )}
    >
      <Form layout="vertical" autoComplete="off">
        {!channel && (
          <Form.Item className="backup-field" label={t('type')}>
            <Radio.Group className="backup-kinds" optionType="button" value={type} options={choices.map((value) => ({ value, label: t(types[value].label) }))}
              onChange={(event) => { setType(event.target.value as Type); setValues(firstValues(event.target.value as Type, null)); setMail(mailOf({})); }} />
          </Form.Item>
        )}
        <Typography.Paragraph type="secondary">{t(about)}</Typography.Paragraph>
        <Form.Item className="backup-field" label={t('name')} htmlFor="channel-name" required><Input id="channel-name" maxLength={100} autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} /></Form.Item>
        {type === 'hub' && (
          <Form.Item className="backup-field" label={t('target')} htmlFor="channel-target" required>
            <Select id="channel-target" value={target} onChange={setTarget} options={hubTargets.map(({ id, name: label, enabled: isUsable }) => ({ value: id, label: isUsable ? (label ?? t('targetUnnamed', { id })) : t('targetOff', { name: label ?? String(id) }), disabled: !isUsable }))} />
          </Form.Item>
        )}
        {type === 'email' && <MailFields mail={mail} onChange={(change) => setMail((old) => ({ ...old, ...change }))} />}
        {plainPassword && <Typography.Paragraph type="danger" role="alert">{t('mailPlainPassword')}</Typography.Paragraph>}
        {fields.filter(({ isAdvanced }) => !isAdvanced).map(fieldOf)}
        <Form.Item className="backup-field" label={t('language')}>
          <Radio.Group optionType="button" value={language} onChange={(event) => setLanguage(event.target.value as Channel['language'])} options={[{ value: 'zh-CN', label: t('chinese') }, { value: 'en', label: t('english') }]} />
        </Form.Item>
        {type !== 'ping' && (
          <Form.Item className="backup-field" label={t('toldOf')}>
            <Checkbox.Group className="channel-kinds" value={told} onChange={(value) => setTold(kindNames.filter((kind) => value.includes(kind)))} options={kindNames.map((value) => ({ value, label: t(kinds[value].label) }))} />
          </Form.Item>
        )}
        <Checkbox checked={enabled} onChange={(event) => setEnabled(event.target.checked)}>{t('enable')}</Checkbox>
        {advanced.length > 0 && <Collapse ghost size="small" items={[{ key: 'more', label: page('advanced'), children: advanced.map(fieldOf) }]} />}
      </Form>
    </Drawer>
  );
}
