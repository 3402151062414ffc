// What an upload or a sync would change: how many, and each model with the old and new value of every field.

import { Flex, Radio, Tag, Typography, type TableColumnsType } from 'antd';
import { useMemo, useState, type ReactNode } from 'react';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { useColors } from '../../shell/colors';
import { countOf, isManual, type Change, type Issue, type Report } from './api';
import { Conflicts } from './conflicts';
import type { Json } from './exact';
import { perMillion } from './fields';
import { ModelTable } from './model_table';
import { Pairs } from './pairs';
import { texts } from './texts';

function Fields({ change }: { change: Change }) {
  const t = useTexts(texts);
  const pairs = useMemo(() => change.fields.map(({ field, old, new: now }) => ({ field, left: old, right: now })), [change]);
  return <Pairs pairs={pairs} label={t('fieldsOf', { name: change.modelName })} left={change.action === 'added' ? null : t('before')} right={t('after')} />;
}

export function SourceTag({ source }: { source: string }) {
  const t = useTexts(texts);
  const { isDark } = useColors();
  const color = isManual(source) ? (isDark ? 'gold' : 'purple') : 'blue'; // of those that are readable there
  return <Tag color={color}>{t(isManual(source) ? 'manual' : 'cloud')}</Tag>;
}

const briefFields = ['input_cost_per_token', 'output_cost_per_token'] as const;

// The two prices that matter most, and how many fields there are besides.
function Brief({ change }: { change: Change }) {
  const t = useTexts(texts);
  const shown = briefFields.flatMap((name) => change.fields.filter(({ field }) => field === name));
  const price = (value: Json) => perMillion(value) ?? '—';
  return (
    <Flex wrap gap="small">
      {shown.map(({ field, old, new: now }) => (
        <span key={field} className="numbers">
          {t(field as (typeof briefFields)[number])} {change.action === 'added' ? `$${price(now)}` : t('becomes', { old: `$${price(old)}`, new: `$${price(now)}` })}
        </span>
      ))}
      <Typography.Text type="secondary">{change.fields.length === 0 ? t('onlyOrder') : t('fieldCount', { n: change.fields.length })}</Typography.Text>
    </Flex>
  );
}

const nameColumn = (title: string) => ({ title, dataIndex: 'modelName', render: (name: string) => <span className="model-name">{name}</span> });

function Changes({ changes, label }: { changes: Change[]; label: string }) {
  const t = useTexts(texts);
  const columns: TableColumnsType<Change> = [
    nameColumn(t('model')),
    {
      title: t('source'), key: 'source',
      render: (_, { oldSource, newSource }) =>
        oldSource !== null && isManual(oldSource) !== isManual(newSource)
          ? <><SourceTag source={oldSource} />→ <SourceTag source={newSource} /></>
          : <SourceTag source={newSource} />,
    },
    { title: t('perMillion'), key: 'brief', render: (_, change) => <Brief change={change} /> },
  ];
  return <ModelTable rows={changes} columns={columns} label={label} expand={(change) => <Fields change={change} />} />;
}

function Issues({ issues, label }: { issues: Issue[]; label: string }) {
  const t = useTexts(texts);
  return <ModelTable rows={issues} label={label} columns={[nameColumn(t('model')), { title: t('reason'), dataIndex: 'reason' }]} />;
}

function Names({ names, label }: { names: string[]; label: string }) {
  const t = useTexts(texts);
  const rows = useMemo(() => names.map((modelName) => ({ modelName })), [names]);
  return <ModelTable rows={rows} columns={[nameColumn(t('model'))]} label={label} />;
}

// `chosen` are the manual prices that will be overwritten.
export function ReportView({ report, chosen, onChoose }: { report: Report; chosen: string[]; onChoose: (names: string[]) => void }) {
  const t = useTexts(texts);
  const { number } = useFormat();
  const [added, updated] = useMemo(
    () => (['added', 'updated'] as const).map((wanted) => (report.changes ?? []).filter(({ action }) => action === wanted)) as [Change[], Change[]],
    [report],
  );
  const conflicts = report.conflicts ?? [];
  const tabs: [string, string, number, (label: string) => ReactNode][] = [
    ['conflicts', 'tabConflicts', conflicts.length, () => <Conflicts conflicts={conflicts} chosen={chosen} onChoose={onChoose} />],
    ['updated', 'tabUpdated', updated.length, (label) => <Changes changes={updated} label={label} />],
    ['added', 'tabAdded', added.length, (label) => <Changes changes={added} label={label} />],
    ['removed', 'tabRemoved', report.removed.length, (label) => <Names names={report.removed} label={label} />],
    ['failed', 'tabFailed', report.failures.length, (label) => <Issues issues={report.failures} label={label} />],
    ['warnings', 'tabWarnings', report.warnings.length, (label) => <Issues issues={report.warnings} label={label} />],
  ];
  const items = tabs.filter(([, , n]) => n > 0).map(([key, text, n, render]) => ({ value: key, label: t(text as 'tabAdded', { n: number(n) }), render }));
  const [wanted, setWanted] = useState('');
  const shown = items.find(({ value }) => value === wanted) ?? items[0];
  return (
    <Flex vertical gap="small">
      <Typography.Text type="secondary">
        {[
          t('tabAdded', { n: number(report.added.length) }), t('tabUpdated', { n: number(report.updated.length) }),
          t('unchanged', { n: number(report.unchanged.length) }), t('keptManual', { n: number(report.skippedConflicts.length) }),
          t('tabRemoved', { n: number(report.removed.length) }), t('tabFailed', { n: number(report.failures.length) }),
          t('ofTotal', { n: number(countOf(report.total)) }),
        ].join(' · ')}
      </Typography.Text>
      {shown && <Radio.Group aria-label={t('show')} className="parts" optionType="button" value={shown.value} onChange={(event) => setWanted(event.target.value as string)} options={items.map(({ value, label }) => ({ value, label }))} />}
      {shown && <section key={shown.value} aria-label={shown.label}>{shown.render(shown.label)}</section>}
    </Flex>
  );
}

// How many changes applying it makes.
export const changeCount = (report: Report, chosen: string[]): number => (report.changes ?? []).length + report.removed.length + chosen.length;
