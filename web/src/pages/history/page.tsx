// The history: what was done, by whom, filtered; each entry with its values before and after, and its undo.

import { ReloadOutlined, UndoOutlined } from '@ant-design/icons';
import { Button, Card, Flex, Grid, Table, Typography, type TableColumnsType } from 'antd';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ErrorNotice, Loading, Nothing, Page } from '../../components/page';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { useUrlState } from '../../lib/use_url_state';
import { EntryDrawer, Outcome } from './entry';
import { FilterBar } from './filters';
import './history.css';
import { useNames } from './names';
import { noFilters, operationIdOf, useEntries, useUndoable, type Entry, type Operation } from './queries';
import { texts } from './texts';
import { UndoDialog } from './undo';

function What({ entry, operation }: { entry: Entry; operation: Operation | undefined }) {
  const t = useTexts(texts);
  const format = useFormat();
  const names = useNames();
  const target = operationIdOf(entry) === null ? (entry.targetName ?? entry.targetId) : null;
  return (
    <div>
      <div>{names.action(entry.type)}</div>
      {operation && <Typography.Text type="secondary">{t('rows', { n: format.number(operation.changedCount) })}</Typography.Text>}
      {target && <Typography.Text type="secondary" className="history-value">{target}</Typography.Text>}
      {entry.errorMessage && <Typography.Text type="danger" className="history-value">{entry.errorMessage}</Typography.Text>}
    </div>
  );
}

const operationOf = (entry: Entry, undoable: Map<string, Operation>) => undoable.get(operationIdOf(entry) ?? '');

interface RowActions {
  undoable: Map<string, Operation>;
  onDetails(entry: Entry): void;
  onUndo(operation: Operation): void;
}

function Actions({ entry, undoable, onDetails, onUndo }: RowActions & { entry: Entry }) {
  const t = useTexts(texts);
  const format = useFormat();
  const names = useNames();
  const operation = operationOf(entry, undoable);
  const which = { what: names.action(entry.type), time: format.dateTime(entry.createdAt) };
  return (
    <Flex wrap gap="small">
      <Button size="small" autoInsertSpace={false} aria-label={t('detailsOf', which)} onClick={() => onDetails(entry)}>{t('details')}</Button>
      {operation && (
        <Button size="small" autoInsertSpace={false} icon={<UndoOutlined />} aria-label={t('undoOf', which)} onClick={() => onUndo(operation)}>
          {t('undo')}
        </Button>
      )}
    </Flex>
  );
}

function useColumns(actions: RowActions): TableColumnsType<Entry> {
  const t = useTexts(texts);
  const format = useFormat();
  const names = useNames();
  return [
    { title: t('time'), key: 'time', width: 220, render: (_, { createdAt }) => <time dateTime={createdAt} className="numbers">{format.dateTime(createdAt)}</time> },
    { title: t('category'), key: 'category', width: 110, render: (_, { category }) => names.category(category) },
    { title: t('action'), key: 'action', render: (_, entry) => <What entry={entry} operation={operationOf(entry, actions.undoable)} /> },
    { title: t('who'), key: 'who', render: (_, entry) => <span className="history-value">{entry.operatorName ?? t('unknown')}</span> },
    { title: t('result'), key: 'result', width: 110, render: (_, { success }) => <Outcome success={success} /> },
    { title: t('columnActions'), key: 'actions', width: 170, render: (_, entry) => <Actions entry={entry} {...actions} /> },
  ];
}

function Entries({ entries, actions }: { entries: Entry[]; actions: RowActions }) {
  const t = useTexts(texts);
  const format = useFormat();
  const columns = useColumns(actions);
  const isWide = Grid.useBreakpoint().md ?? window.innerWidth >= 768;
  if (isWide) return <Table<Entry> rowKey="id" size="middle" dataSource={entries} columns={columns} pagination={false} aria-label={t('list')} />;
  return (
    <Flex vertical gap="small" role="list" aria-label={t('list')}>
      {entries.map((entry) => (
        <Card key={entry.id} size="small" role="listitem" classNames={{ body: 'history-card' }}>
          <Flex justify="space-between" gap="small">
            <time dateTime={entry.createdAt} className="numbers">{format.dateTime(entry.createdAt)}</time>
            <Outcome success={entry.success} />
          </Flex>
          <What entry={entry} operation={operationOf(entry, actions.undoable)} />
          <Typography.Text type="secondary" className="history-value">{entry.operatorName ?? t('unknown')}</Typography.Text>
          <Actions entry={entry} {...actions} />
        </Card>
      ))}
    </Flex>
  );
}

const defaults = { ...noFilters, entry: '' };

export default function HistoryPage() {
  const t = useTexts(texts);
  const format = useFormat();
  const queries = useQueryClient();
  const [{ entry: open, ...filters }, setState] = useUrlState(defaults);
  const [undoing, setUndoing] = useState<Operation | null>(null);
  const found = useEntries(filters);
  const undoable = useUndoable();
  const entries = found.data?.pages.flatMap((page) => page.items) ?? [];
  const total = found.data?.pages.at(-1)?.total ?? 0;
  const isFiltered = Object.values(filters).some((value) => value !== '');
  const actions = {
    undoable: undoable.data ?? new Map<string, Operation>(),
    onDetails: (entry: Entry) => setState({ entry: String(entry.id) }),
    onUndo: setUndoing,
  };
  const refresh = (
    <Button icon={<ReloadOutlined />} loading={found.isRefetching} onClick={() => void queries.invalidateQueries({ queryKey: ['history'] })}>{t('refresh')}</Button>
  );
  return (
    <Page title={t('title')} subtitle={t('subtitle')} actions={refresh}>
      <FilterBar filters={filters} seen={entries} onChange={setState} />
      {found.isPending && <Loading rows={8} />}
      {found.isError && <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />}
      {undoable.isError && <ErrorNotice error={undoable.error} onRetry={() => void undoable.refetch()} />}
      {found.data && (entries.length === 0
        ? <Nothing what={t(isFiltered ? 'nothingFound' : 'nothing')} action={isFiltered && <Button onClick={() => setState(noFilters)}>{t('clear')}</Button>} />
        : <>
            <Entries entries={entries} actions={actions} />
            <Flex vertical align="center" gap="small">
              <Typography.Text type="secondary" role="status">{t('shown', { shown: format.number(entries.length), total: format.number(total) })}</Typography.Text>
              {found.hasNextPage && <Button loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>{t('more')}</Button>}
            </Flex>
          </>)}
      {open !== '' && (
        <EntryDrawer
          id={open} onClose={() => setState({ entry: '' })} onUndo={setUndoing}
          onShow={(id) => setState({ ...noFilters, entry: '', q: id })}
        />
      )}
      {undoing && <UndoDialog operation={undoing} onClose={() => setUndoing(null)} />}
    </Page>
  );
}
