// The filters of a list; all of them are in the address.

import { SearchOutlined } from '@ant-design/icons';
import { Button, Input, Select } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useBatchTexts } from '../use_batch_texts';

export interface Filter {
  name: string; // of the parameter, in the page's address and in the request
  label: string;
  isMultiple?: boolean; // values separated by commas
  options: { value: string; label: string }[];
}

const TYPING_MS = 300;

function Search({ value, hint, onChange }: { value: string; hint: string; onChange: (value: string) => void }) {
  const { t } = useBatchTexts();
  const [text, setText] = useState(value);
  const change = useRef(onChange);
  change.current = onChange;
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return undefined;
    const timer = setTimeout(() => change.current(text), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, value]);
  return (
    <Input
      type="search" aria-label={t('search')} prefix={<SearchOutlined aria-hidden />} allowClear maxLength={200} placeholder={hint} className="batch-search"
      value={text} onChange={(event) => setText(event.target.value)} onPressEnter={() => onChange(text)}
    />
  );
}

function FilterSelect({ filter, value, onChange }: { filter: Filter; value: string; onChange: (value: string) => void }) {
  const { label, isMultiple, options } = filter;
  const chosen = isMultiple ? value.split(',').filter(Boolean) : value ? [value] : [];
  const known = new Set(options.map((option) => option.value));
  const all = [...options, ...chosen.filter((one) => !known.has(one)).map((one) => ({ value: one, label: one }))];
  const common = { 'aria-label': label, placeholder: label, allowClear: true, className: 'batch-filter', options: all, optionFilterProp: 'label', popupMatchSelectWidth: false } as const;
  return isMultiple
    ? <Select mode="multiple" maxTagCount="responsive" {...common} value={chosen} onChange={(values: string[]) => onChange(values.join(','))} />
    : <Select {...common} value={value || null} onChange={(one?: string | null) => onChange(one ?? '')} />;
}

export function FilterBar({ filters, hint, state, onChange }: {
  filters: Filter[];
  hint: string; // what the search looks in
  state: Record<string, string>;
  onChange: (change: Record<string, string>) => void;
}) {
  const { t } = useBatchTexts();
  const names = ['q', ...filters.map((filter) => filter.name)];
  return (
    <div className="batch-filters" role="search">
      <Search value={state.q ?? ''} hint={hint} onChange={(q) => onChange({ q })} />
      {filters.map((filter) => <FilterSelect key={filter.name} filter={filter} value={state[filter.name] ?? ''} onChange={(value) => onChange({ [filter.name]: value })} />)}
      {names.some((name) => state[name]) && <Button type="link" onClick={() => onChange(Object.fromEntries(names.map((name) => [name, ''])))}>{t('clearFilters')}</Button>}
    </div>
  );
}
