// The changes by an upload or a sync: their number, and each model with the old and new value of every field.

import { Checkbox, Flex, Radio, Tag, Typography, type TableColumnsType } from 'antd';
import { useMemo, useState, type ReactNode } from 'react';
import { useFormat } from '../../../i18n/format';
import { useLanguage, useTexts, type Translate } from '../../../i18n/language';
import { useColors } from '../../../shell/colors';
import { isManual, type Change, type Issue, type Report } from '../api';
import { Conflicts } from './conflicts';
import type { Json } from '../values/exact';
import { perMillion } from '../values/fields';
import { ModelTable } from './model_table';
import { modelsIn, outliersOf, type Choice, type Outlier } from './outliers';
import { Pairs } from './pairs';
import { texts, type TextName } from '../texts';

function Fields({ change }: { change: Change }) {
  const t = useTexts(texts);
  const pairs = useMemo(() => change.fields.map(({ field, old, new: now }) => ({ field, left: old, right: now })), [change]);
  return <Pairs pairs={pairs} label={t('fieldsOf', { name: change.modelName })} left={change.action === 'added' ? null : t('before')} right={t('after')} />;
}

export function SourceTag({ source }: { source: string }) {
  const t = useTexts(texts);
  const { isDark } = useColors();
  const color = isManual(source) ? (isDark ? 'gold' : 'purple') : 'blue'; // readable on each background
  return <Tag color={color}>{t(isManual(source) ? 'manual' : 'cloud')}</Tag>;
}

const briefFields = ['input_cost_per_token', 'output_cost_per_token'] as const;

// The two most important prices, and the number of other fields.
function Brief({ change }: { change: Change }) {
  const t = useTexts(texts);
  const shown = briefFields.flatMap((name) => change.fields.filter(({ field }) => field === name));
  const price = (value: Json) => { const million = perMillion(value); return million === undefined ? '–' : `$${million}`; };
  return (
    <Flex wrap gap="small">
      {shown.map(({ field, old, new: now }) => (
        <span key={field} className="numbers">
          {t(field as (typeof briefFields)[number])} {change.action === 'added' ? price(now) : t('becomes', { old: price(old), new: price(now) })}
        </span>
      ))}
      <Typography.Text type="secondary">{change.fields.length === 0 ? t('onlyOrder') : t('fieldCount', { n: change.fields.length })}</Typography.Text>
    </Flex>
  );
}

const nameColumn = (title: string) => ({ title, dataIndex: 'modelName', render: (name: string) => <span className="model-name">{name}</span> });

// A choice among models; a ticked model is taken.
interface Taking {
  leftOut: ReadonlySet<string>;
  onTake: (names: string[], isTaken: boolean) => void;
}

function takeColumn<Row>(t: Translate<TextName>, { leftOut, onTake }: Taking, rows: Row[], nameOf: (row: Row) => string): TableColumnsType<Row>[number] {
  const names = rows.map(nameOf);
  const taken = names.filter((name) => !leftOut.has(name)).length;
  return {
    key: 'take', width: 40,
    title: <Checkbox aria-label={t('takeAll')} checked={taken === names.length} indeterminate={taken > 0 && taken < names.length} onChange={(event) => onTake(names, event.target.checked)} />,
    render: (_, row) => {
      const name = nameOf(row);
      return <Checkbox aria-label={t('takeOne', { name })} checked={!leftOut.has(name)} onChange={(event) => onTake([name], event.target.checked)} />;
    },
  };
}

function Changes({ changes, label, taking }: { changes: Change[]; label: string; taking: Taking }) {
  const t = useTexts(texts);
  const columns: TableColumnsType<Change> = [
    takeColumn(t, taking, changes, ({ modelName }) => modelName),
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

function Factor({ factor }: { factor: number | null }) {
  const t = useTexts(texts);
  const { language } = useLanguage();
  const short = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });
  if (factor === null) return null;
  const text = factor === 0 ? t('toZero') : factor >= 1 ? t('timesUp', { n: short.format(factor) }) : t('timesDown', { n: short.format(1 / factor) });
  return <Tag color="error">{text}</Tag>;
}

function Outliers({ outliers, label, taking }: { outliers: Outlier[]; label: string; taking: Taking }) {
  const t = useTexts(texts);
  const rows = useMemo(() => outliers.map((outlier) => ({ ...outlier, modelName: outlier.change.modelName })), [outliers]);
  const columns: TableColumnsType<Outlier & { modelName: string }> = [
    takeColumn(t, taking, rows, ({ modelName }) => modelName),
    {
      title: t('model'), key: 'model',
      render: (_, { modelName, factor, reasons }) => (
        <Flex vertical gap={2}>
          <span className="model-name">{modelName} <Factor factor={factor} /></span>
          {reasons.map((reason) => <Typography.Text key={reason} type="danger">{reason}</Typography.Text>)}
        </Flex>
      ),
    },
  ];
  return (
    <Flex vertical gap="small">
      <Typography.Text>{t('outliersHint')}</Typography.Text>
      <ModelTable rows={rows} columns={columns} label={label} expand={({ change }) => <Fields change={change} />} />
    </Flex>
  );
}

function Issues({ issues, label }: { issues: Issue[]; label: string }) {
  const t = useTexts(texts);
  return <ModelTable rows={issues} label={label} columns={[nameColumn(t('model')), { title: t('reason'), dataIndex: 'reason' }]} />;
}

function Removed({ names, label, taking }: { names: string[]; label: string; taking: Taking }) {
  const t = useTexts(texts);
  const rows = useMemo(() => names.map((modelName) => ({ modelName })), [names]);
  return <ModelTable rows={rows} columns={[takeColumn(t, taking, rows, ({ modelName }) => modelName), nameColumn(t('model'))]} label={label} />;
}

export function ReportView({ report, choice, onChoose }: { report: Report; choice: Choice; onChoose: (choice: Choice) => void }) {
  const t = useTexts(texts);
  const { number } = useFormat();
  const outliers = useMemo(() => outliersOf(report), [report]);
  const [added, updated, warnings] = useMemo(() => {
    const apart = new Set(outliers.map(({ change }) => change.modelName));
    const usual = (report.changes ?? []).filter(({ modelName }) => !apart.has(modelName));
    return [
      usual.filter(({ action }) => action === 'added'), usual.filter(({ action }) => action === 'updated'),
      report.warnings.filter(({ modelName }) => !apart.has(modelName)),
    ] as const;
  }, [report, outliers]);
  const conflicts = report.conflicts ?? [];
  const { leftOut } = choice;
  const taking: Taking = {
    leftOut,
    onTake: (names, isTaken) => {
      const next = new Set(leftOut);
      for (const name of names) if (isTaken) next.delete(name); else next.add(name);
      onChoose({ ...choice, leftOut: next });
    },
  };
  const tabs: [string, string, number, (label: string) => ReactNode][] = [
    ['outliers', 'tabOutliers', outliers.length, (label) => <Outliers outliers={outliers} label={label} taking={taking} />],
    ['conflicts', 'tabConflicts', conflicts.length, () => <Conflicts conflicts={conflicts} chosen={choice.overwrite} onChoose={(overwrite) => onChoose({ ...choice, overwrite })} />],
    ['updated', 'tabUpdated', updated.length, (label) => <Changes changes={updated} label={label} taking={taking} />],
    ['added', 'tabAdded', added.length, (label) => <Changes changes={added} label={label} taking={taking} />],
    ['removed', 'tabRemoved', report.removed.length, (label) => <Removed names={report.removed} label={label} taking={taking} />],
    ['failed', 'tabFailed', report.failures.length, (label) => <Issues issues={report.failures} label={label} />],
    ['warnings', 'tabWarnings', warnings.length, (label) => <Issues issues={warnings} label={label} />],
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
          t('ofTotal', { n: number(modelsIn(report)) }),
          ...(leftOut.size > 0 ? [t('leftOutCount', { n: number(leftOut.size) })] : []),
        ].join(' · ')}
      </Typography.Text>
      {shown && <Radio.Group aria-label={t('show')} className="parts" optionType="button" value={shown.value} onChange={(event) => setWanted(event.target.value as string)} options={items.map(({ value, label }) => ({ value, label }))} />}
      {shown && <section key={shown.value} aria-label={shown.label}>{shown.render(shown.label)}</section>}
    </Flex>
  );
}
