// The filters, which are in the address. Typed text is searched when the typing pauses.

import { Button, Form, Input, Select } from 'antd';
import { useEffect, useState } from 'react';
import { useTexts } from '../../i18n/language';
import { isOfCategory, knownActions, knownCategories, useNames } from './names';
import { noFilters, type Entry, type Filters } from './queries';
import { texts } from './texts';

const PAUSE_MS = 300;

function TypedInput({ id, value, hint, onChange }: { id: string; value: string; hint?: string; onChange(value: string): void }) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed === value) return undefined;
    const timer = setTimeout(() => onChange(typed), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return <Input id={id} value={typed} maxLength={200} allowClear placeholder={hint} onChange={(event) => setTyped(event.target.value)} />;
}

// The known values, the values seen so far, and the chosen one.
const optionsOf = (names: (string | null | undefined)[], name: (value: string) => string, any: string) => [
  { value: '', label: any },
  ...[...new Set(names)].filter((value): value is string => !!value).map((value) => ({ value, label: name(value) })),
];

export function FilterBar({ filters, seen, onChange }: { filters: Filters; seen: Entry[]; onChange(change: Partial<Filters>): void }) {
  const t = useTexts(texts);
  const names = useNames();
  const isFiltered = Object.values(filters).some((value) => value !== '');
  const actions = [...knownActions, ...seen.map((entry) => entry.type), filters.type];
  return (
    <Form layout="vertical" role="search" className="history-filters" aria-label={t('filters')}>
      <Form.Item label={t('search')} htmlFor="history-q" className="history-wide">
        <TypedInput id="history-q" value={filters.q} hint={t('searchHint')} onChange={(q) => onChange({ q })} />
      </Form.Item>
      <Form.Item label={t('category')} htmlFor="history-category">
        <Select
          id="history-category" value={filters.category} onChange={(category) => onChange({ category, type: '' })}
          options={optionsOf([...knownCategories, ...seen.map((entry) => entry.category), filters.category], names.category, t('any'))}
        />
      </Form.Item>
      <Form.Item label={t('action')} htmlFor="history-action">
        <Select
          id="history-action" value={filters.type} onChange={(type) => onChange({ type })} popupMatchSelectWidth={false}
          options={optionsOf(actions.filter((action) => isOfCategory(action, filters.category)), names.action, t('any'))}
        />
      </Form.Item>
      <Form.Item label={t('who')} htmlFor="history-who">
        <TypedInput id="history-who" value={filters.operator} onChange={(operator) => onChange({ operator })} />
      </Form.Item>
      <Form.Item label={t('result')} htmlFor="history-result">
        <Select
          id="history-result" value={filters.success} onChange={(success) => onChange({ success })}
          options={[{ value: '', label: t('any') }, { value: 'true', label: t('succeeded') }, { value: 'false', label: t('failed') }]}
        />
      </Form.Item>
      <Form.Item label={t('from')} htmlFor="history-from">
        <Input id="history-from" type="date" value={filters.from} max={filters.to || undefined} onChange={(event) => onChange({ from: event.target.value })} />
      </Form.Item>
      <Form.Item label={t('to')} htmlFor="history-to">
        <Input id="history-to" type="date" value={filters.to} min={filters.from || undefined} onChange={(event) => onChange({ to: event.target.value })} />
      </Form.Item>
      <Button className="history-clear" disabled={!isFiltered} onClick={() => onChange(noFilters)}>{t('clear')}</Button>
    </Form>
  );
}
