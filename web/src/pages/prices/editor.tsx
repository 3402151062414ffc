// One model: known fields as inputs, all others as JSON. Unchanged fields stay as they are stored.

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, App, AutoComplete, Button, Drawer, Flex, Form, Grid, Input, Select, Typography } from 'antd';
import { useMemo } from 'react';
import { ErrorNotice } from '../../components/page';
import { useTexts } from '../../i18n/language';
import { isManual, priceExists, savePrice, type Facets, type PriceItem } from './api';
import { emptyObject, equalExact, writeExact, type JsonObject } from './values/exact';
import { fields, fromInput, parseOthers, problemOf, splitData, warningOf, type Field } from './values/fields';
import { texts } from './texts';

type Values = Record<string, string>;

const MODES = ['chat', 'completion', 'responses', 'embedding', 'image_generation', 'audio_transcription', 'audio_speech', 'moderation', 'rerank', 'search'];
const MAX_NAME_BYTES = 1024;

// The fields of a PUT that turns `before` into the typed values; null removes a field.
export function changesOf(before: JsonObject, values: Values): JsonObject {
  const after: JsonObject = Object.assign(emptyObject(), parseOthers(values.others ?? ''));
  for (const field of fields) {
    const value = fromInput(field, values[field.name] ?? '');
    if (value !== undefined) after[field.name] = value;
  }
  const changes = emptyObject();
  for (const name of Object.keys(before)) if (!(name in after)) changes[name] = null;
  for (const [name, value] of Object.entries(after)) if (!(name in before) || !equalExact(before[name], value)) changes[name] = value;
  return changes;
}

function othersProblem(typed: string, values: Values, t: ReturnType<typeof useTexts<keyof typeof texts>>): string | undefined {
  try {
    const others = parseOthers(typed);
    if (others === undefined) return t('othersRoot');
    const taken = fields.find(({ name }) => name in others && (values[name] ?? '').trim() !== '');
    return taken && t('othersTaken', { field: taken.name });
  } catch (problem) {
    const [line = '1', column = '1'] = (problem as Error).message.split(':');
    return t('othersWrong', { line, column });
  }
}

function FieldInput({ field, before, facets }: { field: Field; before: JsonObject; facets: Facets | undefined }) {
  const t = useTexts(texts);
  const name = field.name as keyof typeof texts;
  const suggestions: Record<string, string[]> = {
    mode: [...new Set([...MODES, ...(facets?.modes ?? []).map(({ value }) => value)])],
    litellm_provider: (facets?.providers ?? []).map(({ value }) => value),
    vendor: (facets?.vendors ?? []).map(({ value }) => value),
  };
  const options = suggestions[field.name];
  const rules = [
    { validator: async (_: unknown, typed = '') => { const problem = problemOf(field, typed as string); if (problem) throw new Error(t(problem)); } },
    { warningOnly: true, validator: async (_: unknown, typed = '') => { const warning = warningOf(field, typed as string, before[field.name]); if (warning) throw new Error(t(warning)); } },
    ...(field.name === 'mode' ? [{ required: true, whitespace: true, message: t('modeMissing') }] : []),
  ];
  return (
    <Form.Item name={field.name} label={t(name)} rules={rules} className="field">
      {options
        ? <AutoComplete options={options.map((value) => ({ value }))} showSearch={{ filterOption: (typed, option) => (option?.value ?? '').toLowerCase().includes(typed.toLowerCase()) }} maxLength={1024} />
        : field.kind === 'switch'
          ? <Select options={[{ value: '', label: t('unset') }, { value: 'true', label: t('yes') }, { value: 'false', label: t('no') }]} />
          : <Input inputMode={field.kind === 'text' ? undefined : 'decimal'} autoComplete="off" maxLength={1024}
              suffix={field.unit && <Typography.Text type="secondary">{t(`unit_${field.unit}`)}</Typography.Text>} />}
    </Form.Item>
  );
}

const groups: [keyof typeof texts, (field: Field) => boolean][] = [
  ['detailsHeading', (field) => field.kind === 'text'],
  ['pricesHeading', (field) => field.kind === 'price'],
  ['othersHeading', (field) => field.kind === 'count' || field.kind === 'switch'],
];

function NameInput() {
  const t = useTexts(texts);
  const isLong = (name: string) => new TextEncoder().encode(name.trim()).length > MAX_NAME_BYTES;
  return (
    <Form.Item
      name="name" label={t('name')}
      rules={[
        { required: true, whitespace: true, message: t('nameMissing') },
        { validator: async (_, name = '') => { if (isLong(name as string)) throw new Error(t('nameLong')); } },
        { validateTrigger: [], validator: async (_, name = '') => { if ((name as string).trim() !== '' && !isLong(name as string) && (await priceExists((name as string).trim()))) throw new Error(t('nameTaken')); } },
      ]}
    >
      <Input autoFocus autoComplete="off" />
    </Form.Item>
  );
}

// `item` null: a new model.
export function Editor({ item, facets, onClose }: { item: PriceItem | null; facets: Facets | undefined; onClose: () => void }) {
  const t = useTexts(texts);
  const { message, modal } = App.useApp();
  const isWide = Grid.useBreakpoint().md ?? true;
  const queries = useQueryClient();
  const [form] = Form.useForm<Values>();
  const before = useMemo(() => item?.priceData ?? emptyObject(), [item]);
  const initial = useMemo(() => {
    const { inputs, others } = splitData(before);
    if (!item) inputs.mode = 'chat';
    return { ...inputs, name: '', others: Object.keys(others).length > 0 ? writeExact(others, 2) : '' };
  }, [before, item]);
  const saving = useMutation({
    mutationFn: ({ name, changes }: { name: string; changes: JsonObject }) => savePrice(name, changes),
    onSuccess: (_, { name }) => {
      void message.success(t('saved', { name }));
      onClose();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['prices'] }),
  });
  const submit = (values: Values) => {
    const changes = changesOf(before, values);
    if (item && Object.keys(changes).length === 0) {
      void message.info(t('nothingChanged'));
      onClose();
    } else saving.mutate({ name: item?.modelName ?? values.name!.trim(), changes });
  };
  const close = () => {
    if (!form.isFieldsTouched()) return onClose();
    return void modal.confirm({ title: t('leave'), okText: t('discard'), cancelText: t('keepEditing'), onOk: onClose });
  };
  return (
    <Drawer
      open title={item ? t('editTitle', { name: item.modelName }) : t('addTitle')} onClose={close} size={isWide ? 640 : '100%'} mask={{ closable: false }}
      footer={
        <Flex justify="end" gap="small">
          <Button onClick={close}>{t('cancel')}</Button>
          <Button type="primary" loading={saving.isPending} onClick={() => form.submit()}>{t('save')}</Button>
        </Flex>
      }
    >
      <Form form={form} layout="vertical" initialValues={initial} onFinish={submit} scrollToFirstError requiredMark={false}>
        <Flex vertical gap="small">
          {(!item || !isManual(item.source)) && <Alert type="info" showIcon title={t('becomesManual')} />}
          {saving.isError && <ErrorNotice error={saving.error} />}
          {!item && <NameInput />}
          {groups.map(([heading, belongs]) => (
            <fieldset key={heading} className="plain-fieldset">
              <legend><Typography.Text strong>{t(heading)}</Typography.Text></legend>
              <div className="field-grid">{fields.filter((field) => belongs(field)).map((field) => <FieldInput key={field.name} field={field} before={before} facets={facets} />)}</div>
            </fieldset>
          ))}
          <Form.Item
            name="others" label={t('others')} extra={t('othersHint')} dependencies={fields.map(({ name }) => name)}
            rules={[{ validator: async (_, typed = '') => { const problem = othersProblem(typed as string, form.getFieldsValue(), t); if (problem) throw new Error(problem); } }]}
          >
            <Input.TextArea rows={Math.min(20, Math.max(4, initial.others.split('\n').length))} className="code-input" spellCheck={false} />
          </Form.Item>
          <button type="submit" hidden aria-hidden tabIndex={-1} />
        </Flex>
      </Form>
    </Drawer>
  );
}
