// Undoes a batch: first shows the values to restore and the conflicts, then restores them.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, App, Checkbox, Flex, Modal, Table, Typography } from 'antd';
import { useState } from 'react';
import { ApiError, type Schemas } from '../../api/client';
import { undoOperation } from '../../batch/requests';
import { ErrorNotice, Loading } from '../../components/page';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { randomId } from '../../lib/random_id';
import type { Json } from './compare';
import { useNames } from './names';
import type { Operation } from './queries';
import { texts } from './texts';
import { FieldName, RowName, Value } from './values';

type Row = Schemas['RowName'];
type RowChange = Schemas['RowChange'];

// What undoing the parts of a change does, together.
async function undoAll(ids: readonly string[], skipConflicts: boolean, dryRun: boolean, onDone?: (ids: string[]) => void): Promise<Schemas['Undone']> {
  const all: Schemas['Undone'] = { undoneOperationId: ids[0]!, restoredCount: 0, skipped: [], dryRun, rows: [], refused: [] };
  const group = randomId();
  const done: string[] = [];
  for (const id of ids) {
    const one = await undoOperation(id, { skipConflicts, dryRun, ...(dryRun ? {} : { key: `${group}/${done.length + 1}` }) });
    all.restoredCount += one.restoredCount;
    all.skipped.push(...one.skipped);
    all.rows?.push(...(one.rows ?? []));
    all.refused?.push(...(one.refused ?? []));
    if (one.cacheNotified === false) all.cacheNotified = false;
    done.push(id);
    onDone?.(done);
  }
  return all;
}

// What it would do. Rows that were changed since are always skipped here, and shown apart: whether they may be is asked.
function usePreview(ids: string[]) {
  return useQuery({
    queryKey: ['undo', ids], staleTime: 0, gcTime: 0,
    queryFn: () => undoAll(ids, true, true),
  });
}

// Of an UNDO_CONFLICT that came up between the preview and the deed.
const conflictsOf = (error: unknown): Row[] =>
  error instanceof ApiError && Array.isArray(error.body.conflicts) ? (error.body.conflicts as Row[]) : [];

function RowList({ rows }: { rows: (Row & { message?: string })[] }) {
  return (
    <ul className="history-list">
      {rows.map((row) => <li key={`${row.entity} ${row.id}`}><RowName row={row} />{row.message && <>: {row.message}</>}</li>)}
    </ul>
  );
}

function Restored({ rows }: { rows: RowChange[] }) {
  const t = useTexts(texts);
  const changes = rows.flatMap((row) => row.changes.map((change) => ({ ...change, row, key: `${row.entity} ${row.id} ${change.field}` })));
  return (
    <Table
      size="small" tableLayout="fixed" dataSource={changes}
      pagination={changes.length > 50 ? { pageSize: 50, showSizeChanger: false, size: 'small' } : false}
      columns={[
        { title: t('row'), key: 'row', render: (_, { row }) => <span className="history-value"><RowName row={row} /></span> },
        { title: t('field'), key: 'field', render: (_, { field }) => <span className="history-value"><FieldName name={field} /></span> },
        { title: t('now'), key: 'now', render: (_, { before, field }) => <Value field={field} value={before as Json} /> },
        { title: t('then'), key: 'then', render: (_, { after, field }) => <Value field={field} value={after as Json} /> },
      ]}
    />
  );
}

function Preview({ undone, skips, onSkip }: { undone: Schemas['Undone']; skips: boolean; onSkip(skips: boolean): void }) {
  const t = useTexts(texts);
  const format = useFormat();
  const { rows = [], refused = [], skipped } = undone;
  return (
    <Flex vertical gap="middle">
      {skipped.length > 0 && (
        <Alert
          type="warning" showIcon title={t('conflicts', { n: format.number(skipped.length) })}
          description={<>
            <p>{t('conflictsHint')}</p>
            <RowList rows={skipped} />
            {undone.restoredCount > 0 && <Checkbox checked={skips} onChange={(event) => onSkip(event.target.checked)}>{t('skip')}</Checkbox>}
          </>}
        />
      )}
      {refused.length > 0 && <Alert type="error" showIcon title={t('refused', { n: format.number(refused.length) })} description={<RowList rows={refused} />} />}
      {undone.restoredCount > 0 ? (
        <>
          <Typography.Text>{t('willRestore', { n: format.number(undone.restoredCount) })}</Typography.Text>
          <Restored rows={rows} />
        </>
      ) : <Typography.Text>{t('willRestoreNothing')}</Typography.Text>}
    </Flex>
  );
}

// `operations` are all parts of one change, the newest first.
export function UndoDialog({ operations, onClose }: { operations: Operation[]; onClose(): void }) {
  const t = useTexts(texts);
  const format = useFormat();
  const names = useNames();
  const queries = useQueryClient();
  const { notification } = App.useApp();
  const [skips, setSkips] = useState(false);
  const [done, setDone] = useState<string[]>([]);
  // The list behind the dialog gets shorter while parts are undone.
  const [{ operation, ids }] = useState(() => ({ operation: operations[0]!, ids: operations.map(({ id }) => id) }));
  const preview = usePreview(ids);
  const deed = useMutation({
    mutationFn: () => undoAll(ids.filter((id) => !done.includes(id)), skips, false, (now) => setDone((before) => [...new Set([...before, ...now])])),
    onSuccess: ({ restoredCount, skipped, cacheNotified }) => {
      notification.success({
        title: t('done', { n: format.number(restoredCount) }),
        description: <>
          {skipped.length > 0 && <div>{t('doneSkipped', { n: format.number(skipped.length) })}</div>}
          {cacheNotified === false && <div>{t('hubNotTold')}</div>}
        </>,
      });
      onClose();
    },
    // Refreshes all queries that show these rows, but does not repeat the preview of the undo.
    onSettled: () => queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'undo' }),
  });
  const { data } = preview;
  const mayUndo = data !== undefined && data.restoredCount > 0 && !data.refused?.length && (skips || data.skipped.length === 0);
  const late = conflictsOf(deed.error);
  return (
    <Modal
      open width={760} title={t('undoTitle')} onCancel={onClose} cancelText={t('cancel')} mask={{ closable: !deed.isPending }}
      okText={t('confirmUndo', { n: format.number(data?.restoredCount ?? 0) })} okButtonProps={{ disabled: !mayUndo }}
      confirmLoading={deed.isPending} onOk={() => deed.mutate()}
    >
      <Flex vertical gap="middle">
        <Typography.Text type="secondary">
          {t('undoSubject', { what: names.action(operation.kind), time: format.dateTime(operation.createdAt), who: operation.operatorName ?? t('unknown') })}
        </Typography.Text>
        {preview.isPending && <div role="status">{t('checking')}<Loading /></div>}
        {preview.isError && <ErrorNotice error={preview.error} onRetry={() => void preview.refetch()} />}
        {deed.isError && done.length > 0 && <Alert type="warning" showIcon title={t('undonePartly', { done: format.number(done.length), n: format.number(ids.length) })} />}
        {deed.isError && <ErrorNotice error={deed.error} />}
        {late.length > 0 && <RowList rows={late} />}
        {data && <Preview undone={data} skips={skips} onSkip={setSkips} />}
      </Flex>
    </Modal>
  );
}
