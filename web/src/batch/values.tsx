// The display of single values.

import { Tag, Typography } from 'antd';
import type { Schemas } from '../api/client';
import { splitGroups, type Value } from './model';
import { useBatchTexts } from './use_batch_texts';

// The change of one field, "before → after".
export function ChangeText({ change }: { change: Schemas['FieldChange'] }) {
  const { fieldName, valueText } = useBatchTexts();
  const text = (value: unknown) => valueText(change.field, value as Value);
  return (
    <div className="batch-change">
      <Typography.Text type="secondary">{fieldName(change.field)}</Typography.Text>{' '}
      <del>{text(change.before)}</del> <span aria-hidden="true">→</span> <ins>{text(change.after)}</ins>
    </div>
  );
}

export function TagList({ values }: { values: string[] }) {
  return (
    <span className="batch-tags">
      {values.map((value) => <Tag key={value}>{value}</Tag>)}
    </span>
  );
}

// A row without a group is in the group default.
export function GroupList({ text }: { text: string | null }) {
  const groups = splitGroups(text);
  return <TagList values={groups.length > 0 ? groups : ['default']} />;
}

const LIMITS = ['limit5hUsd', 'dailyQuota', 'limitDailyUsd', 'limitWeeklyUsd', 'limitMonthlyUsd'] as const;

// The limits that are set, one per line.
export function LimitList({ row }: { row: Partial<Record<(typeof LIMITS)[number], number | null>> }) {
  const { t, fieldName, valueText } = useBatchTexts();
  const set = LIMITS.filter((name) => row[name] !== null && row[name] !== undefined);
  if (set.length === 0) return <Typography.Text type="secondary">{t('unlimited')}</Typography.Text>;
  return (
    <div className="batch-limits numbers">
      {set.map((name) => <div key={name}><Typography.Text type="secondary">{fieldName(name)}</Typography.Text> {valueText(name, row[name])}</div>)}
    </div>
  );
}
