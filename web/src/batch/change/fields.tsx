// One line per field: a switch for changing it, its present value, and its new value.

import { Form, Input, Radio, Segmented, Select, Switch, Typography } from 'antd';
import { useTexts } from '../../i18n/language';
import { FIELDS, splitGroups, type Current, type Draft, type Entity, type Field, type Problem } from '../model';
import { problemTexts, tagModes } from '../texts';
import { useBatchTexts } from '../use_batch_texts';

export type Drafts = Record<string, Draft>;
export type Problems = Record<string, Problem | { message: string }>;
export interface Options {
  tags: string[];
  groups: string[];
}

const VALUES_SHOWN = 3;

interface EditorProps {
  field: Field;
  draft: Draft;
  options: Options;
  id: string;
  onChange: (draft: Draft) => void;
}

function SwitchEditor({ field, draft, id, onChange }: EditorProps) {
  const { t, fieldName } = useBatchTexts();
  const isEnabled = /enabled/i.test(field.name);
  return (
    <Radio.Group
      id={id} aria-label={fieldName(field.name)} value={draft.value} optionType="button" buttonStyle="solid"
      onChange={(event) => onChange({ ...draft, value: event.target.value as boolean })}
      options={[{ label: t(isEnabled ? 'enabled' : 'yes'), value: true }, { label: t(isEnabled ? 'disabled' : 'no'), value: false }]}
    />
  );
}

function ModeEditor({ field, draft, id, onChange }: EditorProps) {
  const { t, fieldName } = useBatchTexts();
  return (
    <Radio.Group
      id={id} aria-label={fieldName(field.name)} value={draft.value} optionType="button" buttonStyle="solid"
      onChange={(event) => onChange({ ...draft, value: event.target.value as string })}
      options={(['fixed', 'rolling'] as const).map((value) => ({ label: t(value), value }))}
    />
  );
}

function ListEditor({ draft, id, onChange }: EditorProps) {
  return (
    <Select
      id={id} mode="tags" tokenSeparators={[',', '，', '\n']} className="batch-wide" open={false} suffixIcon={null}
      value={(draft.value ?? []) as string[]} onChange={(values: string[]) => onChange({ ...draft, value: values.map((value) => value.trim()).filter(Boolean) })}
    />
  );
}

// Tags can also be added to and removed from the present ones.
function NamesEditor({ field, draft, options, id, onChange }: EditorProps) {
  const { t } = useBatchTexts();
  const mode = useTexts(tagModes);
  const isTags = field.type === 'tags';
  return (
    <>
      {isTags && (
        <Segmented
          aria-label={t('tagModeLabel')} value={draft.mode} className="batch-mode"
          onChange={(value) => onChange({ ...draft, mode: value as Draft['mode'] })}
          options={(['add', 'remove', 'replace'] as const).map((value) => ({ label: mode(value), value }))}
        />
      )}
      <Select
        id={id} mode="tags" tokenSeparators={[',', '，']} className="batch-wide"
        value={isTags ? ((draft.value ?? []) as string[]) : splitGroups(draft.value as string | undefined)}
        onChange={(values: string[]) => onChange({ ...draft, value: isTags ? values.map((value) => value.trim()).filter(Boolean) : values.join(',') })}
        options={(isTags ? options.tags : options.groups).map((value) => ({ value, label: value }))}
      />
    </>
  );
}

function Editor(props: EditorProps) {
  const { field, draft, id, onChange } = props;
  if (field.type === 'boolean') return <SwitchEditor {...props} />;
  if (field.type === 'mode') return <ModeEditor {...props} />;
  if (field.type === 'list') return <ListEditor {...props} />;
  if (field.type === 'tags' || field.type === 'group') return <NamesEditor {...props} />;
  const value = typeof draft.value === 'string' ? draft.value : '';
  const set = (text: string) => onChange({ ...draft, value: text });
  if (field.type === 'text') {
    return (
      <Input.TextArea
        id={id} autoSize={{ minRows: 1, maxRows: 4 }} value={value} onChange={(event) => set(event.target.value)}
        count={{ show: true, max: field.highest, strategy: (text) => [...text].length }}
      />
    );
  }
  if (field.type === 'clock') return <Input id={id} type="time" value={value} onChange={(event) => set(event.target.value)} className="batch-number" />;
  return <Input id={id} inputMode="decimal" autoComplete="off" value={value} onChange={(event) => set(event.target.value)} className="batch-number" />;
}

function useHint() {
  const { t, n } = useBatchTexts();
  return (field: Field) => {
    const isNumber = field.type === 'integer' || field.type === 'decimal';
    const range = isNumber ? t('range2', { min: n(field.lowest), max: n(field.highest) }) : '';
    const isText = field.type === 'text' || field.name === 'group_tag';
    const clears = field.isNullable ? t(field.name === 'rpm' ? 'clearsRpm' : isText ? 'clearsText' : field.type === 'group' ? 'clearsGroup' : 'clears') : '';
    return [range, clears].filter(Boolean).join(' · ');
  };
}

function useNow() {
  const { t, n, valueText } = useBatchTexts();
  return (field: Field, current: Current) => {
    if (current.kind === 'loading') return '…';
    if (current.kind === 'same') return t('now', { value: valueText(field.name, current.value) });
    const some = current.values.slice(0, VALUES_SHOWN).map((value) => valueText(field.name, value));
    return `${t('mixed', { n: n(current.values.length) })}: ${some.join(' / ')}${current.values.length > VALUES_SHOWN ? ' …' : ''}`;
  };
}

// The initial value of a field that is switched on: the value that all rows have.
function startOf(field: Field, current: Current): Draft {
  const value = current.kind === 'same' && field.type !== 'tags' ? (current.value ?? undefined) : undefined;
  return { mode: 'add', value: typeof value === 'number' ? String(value) : value };
}

export function BatchFields({ entity, isKnown, currentOf, drafts, options, problems, onChange }: {
  entity: Entity;
  isKnown: (field: Field) => boolean; // whether the field's value is known; its present value is shown beside it
  currentOf: (field: Field) => Current;
  drafts: Drafts;
  options: Options;
  problems: Problems;
  onChange: (drafts: Drafts) => void;
}) {
  const { t, fieldName } = useBatchTexts();
  const problemText = useTexts(problemTexts);
  const hint = useHint();
  const now = useNow();
  const toggle = (field: Field, isOn: boolean) => {
    const { [field.name]: _, ...others } = drafts;
    onChange(isOn ? { ...others, [field.name]: startOf(field, currentOf(field)) } : others);
  };
  return (
    <div className="batch-fields">
      {FIELDS[entity].filter(isKnown).map((field) => {
        const draft = drafts[field.name];
        const problem = draft && problems[field.name];
        const id = `batch-${field.name}`;
        const label = fieldName(field.name);
        return (
          <div key={field.name} className={draft ? 'batch-field batch-field-on' : 'batch-field'}>
            <div className="batch-field-head">
              <Switch size="small" checked={draft !== undefined} onChange={(isOn) => toggle(field, isOn)} aria-label={t('change', { field: label })} />
              {draft && field.type !== 'boolean' && field.type !== 'mode' ? <label htmlFor={id}>{label}</label> : <span>{label}</span>}
              <Typography.Text type="secondary" className="batch-now">{now(field, currentOf(field))}</Typography.Text>
            </div>
            {draft && (
              <Form.Item
                validateStatus={problem ? 'error' : ''} extra={hint(field)}
                help={problem && <span role="alert">{typeof problem === 'string' ? problemText(problem) : problem.message}</span>}
              >
                <Editor field={field} draft={draft} options={options} id={id} onChange={(next) => onChange({ ...drafts, [field.name]: next })} />
              </Form.Item>
            )}
          </div>
        );
      })}
    </div>
  );
}
