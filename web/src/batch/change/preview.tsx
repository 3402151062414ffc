// A preview of the changes, row by row; rows that are not ticked are left out.

import { Alert, Button, Table, Typography } from 'antd';
import { Nothing } from '../../components/page';
import { useTexts } from '../../i18n/language';
import type { Entity } from '../model';
import type { Preview, PreviewRow, Refusal } from './run';
import { columnNames } from '../texts';
import { useBatchTexts } from '../use_batch_texts';
import { ChangeText } from '../values';

const PAGE_SIZE = 50; // rows

function Refused({ refused, entity, onLeaveOut }: { refused: Refusal[]; entity: Entity; onLeaveOut: () => void }) {
  const { t, n } = useBatchTexts();
  const groups = new Map<string, Refusal[]>();
  for (const one of refused) groups.set(one.message, [...(groups.get(one.message) ?? []), one]);
  const nameOf = ({ name, id, entity: its }: Refusal) => (its !== entity && its === 'users' ? t('refusedUser', { name: name ?? `#${id}` }) : (name ?? `#${id}`));
  return (
    <Alert
      type="error" showIcon role="alert" className="batch-alert" title={t('refused', { n: n(refused.length) })}
      description={
        <>
          {[...groups].map(([message, rows]) => <p key={message}>{message}: {rows.slice(0, 20).map(nameOf).join(', ')}{rows.length > 20 && ` ${t('more', { n: n(rows.length - 20) })}`}</p>)}
          <p>{t('refusedHint')}</p>
          <Button size="small" onClick={onLeaveOut}>{t('leaveOutRefused')}</Button>
        </>
      }
    />
  );
}

function Name({ row, owner }: { row: PreviewRow; owner: string | undefined }) {
  return (
    <div title={`#${row.id}`} className="batch-breaks">
      {row.name ?? `#${row.id}`}
      {owner && <div><Typography.Text type="secondary">{owner}</Typography.Text></div>}
    </div>
  );
}

export function BatchPreview({ entity, owners, preview, total, excluded, onExclude, onLeaveOut }: {
  entity: Entity;
  owners: ReadonlyMap<number, string>; // the owner of each row that has one
  preview: Preview;
  total: number;
  excluded: ReadonlySet<number>;
  onExclude: (excluded: ReadonlySet<number>) => void;
  onLeaveOut: () => void; // leaves the refused rows out
}) {
  const { t, n } = useBatchTexts();
  const column = useTexts(columnNames);
  const rows = preview.rows.filter((row) => row.entity === entity);
  const followers = preview.rows.filter((row) => row.entity !== entity);
  const chosen = rows.filter((row) => !excluded.has(row.id));
  const exclude = (kept: Set<number>) => onExclude(new Set(rows.map((row) => row.id).filter((id) => !kept.has(id))));
  return (
    <>
      {preview.refused.length > 0 && <Refused refused={preview.refused} entity={entity} onLeaveOut={onLeaveOut} />}
      <p role="status" className="batch-summary">
        <strong>{t('willChange', { n: n(chosen.length) })}</strong>
        {excluded.size > 0 && ` · ${t('leftOut', { n: n(excluded.size) })}`}
        {total > rows.length && <Typography.Text type="secondary"> · {t('unchanged', { n: n(total - rows.length) })}</Typography.Text>}
      </p>
      {rows.length === 0 ? <Nothing what={t('nothingToDo')} /> : (
        <Table<PreviewRow>
          size="small" rowKey="id" dataSource={rows} pagination={rows.length > PAGE_SIZE && { pageSize: PAGE_SIZE, showSizeChanger: false, size: 'small' }}
          rowSelection={{
            columnWidth: 40,
            selectedRowKeys: chosen.map((row) => row.id),
            onChange: (keys) => exclude(new Set(keys as number[])),
            getTitleCheckboxProps: () => ({ 'aria-label': t('includeAll') }),
            getCheckboxProps: (row) => ({ 'aria-label': t('include', { name: row.name ?? `#${row.id}` }) }),
          }}
          columns={[
            { title: column('name'), key: 'name', width: 140, render: (_, row) => <Name row={row} owner={owners.get(row.id)} /> },
            { title: column('change'), key: 'changes', render: (_, row) => row.changes.map((change) => <ChangeText key={change.field} change={change} />) },
          ]}
        />
      )}
      {followers.length > 0 && (
        <details className="batch-followers">
          <summary>{t('followers')} ({n(followers.length)})</summary>
          {followers.slice(0, 200).map((row) => (
            <div key={`${row.entity} ${row.id}`}>
              {row.name ?? `#${row.id}`}
              {row.changes.map((change) => <ChangeText key={change.field} change={change} />)}
            </div>
          ))}
        </details>
      )}
    </>
  );
}
