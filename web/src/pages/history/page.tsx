// The history of actions, filtered: each entry with its actor, its values before and after, and its undo.

import { ReloadOutlined, UndoOutlined } from '@ant-design/icons';
import { Button, Card, Flex, Grid, Table, Typography, type TableColumnsType } from 'antd';
import { useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { ErrorNotice, Loading, Nothing, Page, Technical } from '../../components/page';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { useUrlState } from '../../lib/use_url_state';
import { EntryDrawer, Outcome } from './entry';
import { FilterBar } from './filters';
import { deedsOf, type Deed } from './groups';
import './history.css';
import { useNames } from './names';
import { noFilters, operationIdOf, useEntries, useUndoable, type Entry, type Operation } from './queries';
import { texts } from './texts';
import { UndoDialog } from './undo';

function What({ deed }: { deed: Deed }) {
  const t = useTexts(texts);
  const format = useFormat();
  const names = useNames();
  const { first, entries, rowCount } = deed;
  const target = operationIdOf(first) === null ? (first.targetName ?? first.targetId) : null;
  const facts = [rowCount === null ? null : t('rows', { n: format.number(rowCount) }), entries.length > 1 ? t('parts', { n: format.number(entries.length) }) : null];
  return (
    <div>
      <div>{names.action(first.type)}</div>
      <Typography.Text type="secondary">{facts.filter((fact) => fact !== null).join(' · ')}</Typography.Text>
      {target && <Typography.Text type="secondary" className="history-value">{target}</Typography.Text>}
      {first.errorMessage && <Typography.Text type="danger" className="history-value"><Technical text={first.errorMessage} /></Typography.Text>}
    </div>
  );
}

interface RowActions {
  operationsOf(deed: Deed): Operation[]; // those that can be undone, the newest first
  onDetails(entry: Entry): void;
  onUndo(operations: Operation[]): void;
}

function Actions({ deed, operationsOf, onDetails, onUndo }: RowActions & { deed: Deed }) {
  const t = useTexts(texts);
  const format = useFormat();
  const names = useNames();
  const operations = operationsOf(deed);
  const which = { what: names.action(deed.first.type), time: format.dateTime(deed.first.createdAt) };
  return (
    <Flex wrap gap="small">
      <Button size="small" autoInsertSpace={false} aria-label={t('detailsOf', which)} onClick={() => onDetails(deed.first)}>{t('details')}</Button>
      {operations.length > 0 && (
        <Button size="small" autoInsertSpace={false} icon={<UndoOutlined />} aria-label={t('undoOf', which)} onClick={() => onUndo(operations)}>
          {t('undo')}
        </Button>
      )}
    </Flex>
  );
}

function useColumns(actions: RowActions): TableColumnsType<Deed> {
  const t = useTexts(texts);
  const format = useFormat();
  const names = useNames();
  return [
    { title: t('time'), key: 'time', width: 220, render: (_, { first }) => <time dateTime={first.createdAt} className="numbers">{format.dateTime(first.createdAt)}</time> },
    { title: t('category'), key: 'category', width: 110, render: (_, { first }) => names.category(first.category) },
    { title: t('action'), key: 'action', render: (_, deed) => <What deed={deed} /> },
    { title: t('who'), key: 'who', render: (_, { first }) => <span className="history-value">{first.operatorName ?? t('unknown')}</span> },
    { title: t('result'), key: 'result', width: 110, render: (_, { success }) => <Outcome success={success} /> },
    { title: t('columnActions'), key: 'actions', width: 170, render: (_, deed) => <Actions deed={deed} {...actions} /> },
  ];
}

function Deeds({ deeds, actions }: { deeds: Deed[]; actions: RowActions }) {
  const t = useTexts(texts);
  const format = useFormat();
  const columns = useColumns(actions);
  const isWide = Grid.useBreakpoint().md ?? window.innerWidth >= 768;
  if (isWide) return <Table<Deed> rowKey={({ first }) => first.id} size="middle" dataSource={deeds} columns={columns} pagination={false} aria-label={t('list')} />;
  return (
    <Flex vertical gap="small" role="list" aria-label={t('list')}>
      {deeds.map((deed) => (
        <Card key={deed.first.id} size="small" role="listitem" classNames={{ body: 'history-card' }}>
          <Flex justify="space-between" gap="small">
            <time dateTime={deed.first.createdAt} className="numbers">{format.dateTime(deed.first.createdAt)}</time>
            <Outcome success={deed.success} />
          </Flex>
          <What deed={deed} />
          <Typography.Text type="secondary" className="history-value">{deed.first.operatorName ?? t('unknown')}</Typography.Text>
          <Actions deed={deed} {...actions} />
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
  const [undoing, setUndoing] = useState<Operation[] | null>(null);
  const found = useEntries(filters);
  const undoable = useUndoable();
  const entries = useMemo(() => found.data?.pages.flatMap((page) => page.items) ?? [], [found.data]);
  const deeds = useMemo(() => deedsOf(entries), [entries]);
  const total = found.data?.pages.at(-1)?.total ?? 0;
  const isFiltered = Object.values(filters).some((value) => value !== '');
  // All parts of a change, including those on pages that were not loaded.
  const partsOf = (operation: Operation | undefined): Operation[] => {
    if (operation === undefined) return [];
    return operation.group === null ? [operation] : [...(undoable.data ?? new Map<string, Operation>()).values()].filter(({ group }) => group === operation.group);
  };
  const actions: RowActions = {
    operationsOf: ({ entries: parts }) => partsOf(parts.map((entry) => undoable.data?.get(operationIdOf(entry) ?? '')).find((operation) => operation !== undefined)),
    onDetails: (entry) => setState({ entry: String(entry.id) }),
    onUndo: setUndoing,
  };
  const openParts = deeds.find((deed) => deed.entries.some(({ id }) => String(id) === open))?.entries.map(({ id }) => String(id)) ?? [];
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
            <Deeds deeds={deeds} actions={actions} />
            <Flex vertical align="center" gap="small">
              <Typography.Text type="secondary" role="status">{t('shown', { shown: format.number(entries.length), total: format.number(total) })}</Typography.Text>
              {found.hasNextPage && <Button loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>{t('more')}</Button>}
            </Flex>
          </>)}
      {open !== '' && (
        <EntryDrawer
          id={open} parts={openParts} onPart={(id) => setState({ entry: id })} onClose={() => setState({ entry: '' })}
          onUndo={(operation) => { const parts = partsOf(operation); setUndoing(parts.length > 0 ? parts : [operation]); }}
          onShow={(id) => setState({ ...noFilters, entry: '', q: id })}
        />
      )}
      {undoing && <UndoDialog operations={undoing} onClose={() => setUndoing(null)} />}
    </Page>
  );
}
