// A destination: its kind's settings and secrets.

import { useQueryClient } from '@tanstack/react-query';
import { Button, Checkbox, Collapse, Drawer, Flex, Form, Input, InputNumber, Radio, Select } from 'antd';
import { useState } from 'react';
import { api, dataOf } from '../../../api/client';
import { ErrorNotice } from '../../../components/page';
import { useTexts } from '../../../i18n/language';
import { isKind, kinds, type KindName, type Secret, type Setting } from './kinds';
import { backupsKey, idPath, type Destination } from '../queries';
import { SecretField } from '../secret_field';
import { texts } from '../texts';

type Values = Record<string, unknown>;

function SettingField({ setting, value, onChange }: { setting: Setting; value: unknown; onChange: (value: unknown) => void }) {
  const t = useTexts(texts);
  const { name, label, type, hint, isRequired } = setting;
  const id = `destination-${name}`;
  const text = typeof value === 'string' ? value : '';
  if (type === 'flag') return <Form.Item className="backup-field"><Checkbox checked={value === true} onChange={(event) => onChange(event.target.checked ? true : null)}>{t(label)}</Checkbox></Form.Item>;
  const field = () => {
    if (type === 'port') return <InputNumber id={id} min={1} max={65_535} precision={0} placeholder="22" value={typeof value === 'number' ? value : null} onChange={onChange} />;
    if (type === 'lines') return <Input.TextArea id={id} className="code-input" rows={3} value={text} onChange={(event) => onChange(event.target.value)} />;
    if (type === 'vendor') {
      return <Select id={id} value={text} onChange={onChange} options={[{ value: '', label: t('vendorAuto') }, { value: 'nextcloud', label: 'Nextcloud' }, { value: 'owncloud', label: 'ownCloud' }, { value: 'sharepoint', label: 'SharePoint' }, { value: 'other', label: t('vendorOther') }]} />;
    }
    return <Input id={id} autoComplete="off" spellCheck={false} value={text} onChange={(event) => onChange(event.target.value)} />;
  };
  return <Form.Item className={type === 'lines' ? 'backup-field backup-wide' : 'backup-field'} label={t(label)} htmlFor={id} extra={hint && t(hint)} required={isRequired}>{field()}</Form.Item>;
}

// `destination` null: a new one. `onSaved` has its id, to be tested.
export function DestinationForm({ destination, onClose, onSaved }: { destination: Destination | null; onClose: () => void; onSaved: (id: number) => void }) {
  const t = useTexts(texts);
  const queries = useQueryClient();
  const [name, setName] = useState(destination?.name ?? '');
  const [kind, setKind] = useState<KindName>(destination && isKind(destination.kind) ? destination.kind : 'webdav');
  const [settings, setSettings] = useState<Values>(destination?.settings ?? {});
  const [secrets, setSecrets] = useState<Record<string, string | undefined>>({});
  const [kilobytes, setKilobytes] = useState(Math.round((destination?.bandwidthBytesPerSecond ?? 0) / 1024));
  const [error, setError] = useState<unknown>(null);
  const [isSaving, setSaving] = useState(false);
  const { settings: fields, secrets: secretFields } = kinds[kind];
  const isMissing = name.trim() === '' || fields.some(({ name: field, isRequired }) => isRequired && !settings[field]);
  const save = async () => {
    setSaving(true);
    setError(null);
    const known = Object.fromEntries(fields.map(({ name: field }) => [field, typeof settings[field] === 'string' ? settings[field].trim() : settings[field]]).filter(([, value]) => value !== '' && value !== null && value !== undefined));
    const given = Object.fromEntries(secretFields.flatMap(({ name: field }) => (secrets[field] === undefined ? [] : [[field, secrets[field]]])));
    const body = { name: name.trim(), settings: known, secrets: given as Record<string, string>, bandwidthBytesPerSecond: kilobytes * 1024 };
    try {
      const saved = destination
        ? await dataOf(api.PATCH('/api/admin/backup-destinations/{id}', { ...idPath(destination.id), body }))
        : await dataOf(api.POST('/api/admin/backup-destinations', { body: { ...body, kind } }));
      await queries.invalidateQueries({ queryKey: backupsKey });
      onSaved(saved.id);
    } catch (problem) {
      setError(problem);
      setSaving(false);
    }
  };
  const settingField = (setting: Setting) => <SettingField key={setting.name} setting={setting} value={settings[setting.name]} onChange={(value) => setSettings((old) => ({ ...old, [setting.name]: value }))} />;
  const secretField = (secret: Secret) => (
    <SecretField key={secret.name} id={`destination-secret-${secret.name}`} label={t(secret.label)} hasLines={secret.hasLines ?? false} isSet={destination?.secretsSet.includes(secret.name) ?? false} value={secrets[secret.name]} onChange={(value) => setSecrets((old) => ({ ...old, [secret.name]: value }))} />
  );
  return (
    <Drawer open size={560} title={destination ? t('editDestination', { name: destination.name }) : t('addDestination')} onClose={onClose} mask={{ closable: false }}
      footer={<Flex vertical gap="small">
        {error !== null && <ErrorNotice error={error} />}
        <Flex gap="small"><Button type="primary" loading={isSaving} disabled={isMissing} onClick={() => void save()}>{t('saveAndTest')}</Button><Button onClick={onClose}>{t('cancel')}</Button></Flex>
      </Flex>}
    >
      <Form layout="vertical" autoComplete="off">
        {!destination && (
          <Form.Item className="backup-field" label={t('kind')}>
            <Radio.Group className="backup-kinds" optionType="button" value={kind} options={Object.entries(kinds).map(([value, { label }]) => ({ value, label: t(label) }))}
              onChange={(event) => { setKind(event.target.value as KindName); setSettings({}); setSecrets({}); }} />
          </Form.Item>
        )}
        <Form.Item className="backup-field" label={t('destinationName')} htmlFor="destination-name" required><Input id="destination-name" maxLength={64} value={name} onChange={(event) => setName(event.target.value)} /></Form.Item>
        {fields.filter(({ isAdvanced }) => !isAdvanced).map(settingField)}
        {secretFields.filter(({ isAdvanced }) => !isAdvanced).map(secretField)}
        <Collapse
          ghost size="small"
          items={[{ key: 'more', label: t('advanced'), children: (
            <>
              {fields.filter(({ isAdvanced }) => isAdvanced).map(settingField)}
              {secretFields.filter(({ isAdvanced }) => isAdvanced).map(secretField)}
              <Form.Item className="backup-field" label={t('bandwidth')} htmlFor="destination-bandwidth"><InputNumber id="destination-bandwidth" min={0} precision={0} value={kilobytes} onChange={(value) => setKilobytes(value ?? 0)} /></Form.Item>
            </>
          ) }]}
        />
      </Form>
    </Drawer>
  );
}
