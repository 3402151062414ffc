// What is rarely changed: further rules, tables without their rows, compression, and patience.

import { useQuery } from '@tanstack/react-query';
import { Collapse, Form, InputNumber, Select, Typography } from 'antd';
import { api, dataOf } from '../../../api/client';
import { useFormat } from '../../../i18n/format';
import { useTexts } from '../../../i18n/language';
import { Counts, type Rule } from './counts';
import type { JobSettings } from '../queries';
import { texts } from '../texts';

const MINUTE = 60;
const rules: Rule[] = [['last', 'keepLast'], ['hourly', 'keepHourly'], ['yearly', 'keepYearly'], ['withinHours', 'keepWithin'], ['minimum', 'keepMinimum']];

// The largest hundred; others can be typed.
function useTables() {
  return useQuery({
    queryKey: ['database', 'estimate', false],
    queryFn: () => dataOf(api.GET('/api/admin/database/export:estimate', { params: { query: { excludeLogs: false } } })),
    staleTime: 60_000,
  }).data?.tables ?? [];
}

interface MinutesProps {
  id: string;
  label: string;
  hint: string;
  min: number;
  max: number;
  seconds: number;
  onChange: (seconds: number) => void;
}

function Minutes({ id, label, hint, min, max, seconds, onChange }: MinutesProps) {
  return (
    <Form.Item label={label} htmlFor={id} extra={hint}>
      <InputNumber id={id} min={min} max={max} value={seconds / MINUTE} onChange={(value) => onChange(Math.round((value ?? min) * MINUTE))} />
    </Form.Item>
  );
}

export function AdvancedFields({ settings, isOpen, onChange }: { settings: JobSettings; isOpen: boolean; onChange: (change: Partial<JobSettings>) => void }) {
  const t = useTexts(texts);
  const format = useFormat();
  const tables = useTables();
  const children = (
    <>
      <Form.Item className="backup-field" label={t('excludedTables')} htmlFor="job-excluded" extra={t('excludedTablesHint')}>
        <Select id="job-excluded" mode="tags" maxCount={32} tokenSeparators={[',', '，', ' ']} value={settings.excludedTables} onChange={(excludedTables) => onChange({ excludedTables })}
          options={tables.map(({ table, bytes }) => ({ value: table.replace(/^public\./, ''), label: table.replace(/^public\./, ''), size: format.bytes(bytes) }))}
          optionRender={({ label, data }) => <span>{label} <span className="numbers backup-faint">{data.size}</span></span>} />
      </Form.Item>
      <div className="backup-form">
        <Form.Item label={t('compression')} htmlFor="job-compression">
          <Select id="job-compression" value={settings.compression} popupMatchSelectWidth={false} onChange={(compression) => onChange({ compression })}
            options={[{ value: 'fast', label: t('compFast') }, { value: 'balanced', label: t('compBalanced') }, { value: 'small', label: t('compSmall') }, { value: 'none', label: t('compNone') }, { value: 'lz4', label: t('compLz4') }, { value: 'zstd', label: t('compZstd') }]} />
        </Form.Item>
      </div>
      <h4 className="part-title backup-section">{t('moreRules')}</h4>
      <Counts rules={rules} retention={settings.retention} onChange={(retention) => onChange({ retention })} />
      <h4 className="part-title backup-section">{t('patience')}</h4>
      <div className="backup-form">
        <Minutes id="job-wait" label={t('waitMinutes')} hint={t('waitHint')} min={0} max={24 * 60} seconds={settings.waitSeconds} onChange={(waitSeconds) => onChange({ waitSeconds })} />
        <Minutes id="job-limit" label={t('limitMinutes')} hint={t('limitHint')} min={1} max={7 * 24 * 60} seconds={settings.limitSeconds} onChange={(limitSeconds) => onChange({ limitSeconds })} />
        <Form.Item label={t('triesLabel')} htmlFor="job-tries" extra={t('triesHint')}>
          <InputNumber id="job-tries" min={1} max={10} precision={0} value={settings.tries} onChange={(tries) => onChange({ tries: tries ?? 1 })} />
        </Form.Item>
      </div>
      <Typography.Text type="secondary">{t('pingHint')}</Typography.Text>
    </>
  );
  return <Collapse ghost size="small" className="backup-advanced" defaultActiveKey={isOpen ? ['more'] : []} items={[{ key: 'more', label: t('advanced'), children }]} />;
}

// Whether a job differs from the defaults in what is folded.
export const isAdvanced = (settings: JobSettings, defaults: JobSettings): boolean =>
  settings.excludedTables.length > 0 || rules.some(([rule]) => settings.retention[rule] !== defaults.retention[rule])
  || (['waitSeconds', 'limitSeconds', 'tries'] as const).some((name) => settings[name] !== defaults[name]);
