// A list of users, keys or providers: filtered, sorted and paged by the service, with selectable rows.

import { DownloadOutlined, LeftOutlined, ReloadOutlined, RightOutlined } from '@ant-design/icons';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { App, Button, Select, Space, Table, type TableColumnsType, type TableProps } from 'antd';
import { useEffect, useState, type ReactNode } from 'react';
import { addressOf } from '../../api/address';
import { ApiError } from '../../api/client';
import { ErrorNotice, Nothing } from '../../components/page';
import { useUrlState } from '../../lib/use_url_state';
import { FilterBar, type Filter } from './filters';
import type { Entity } from '../model';
import { getIds, getPage, type Item, type Query } from '../requests';
import { SelectionBar } from './selection';
import { useBatchTexts } from '../use_batch_texts';
import '../batch.css';

const SIZES = [20, 50, 100];
const DEFAULT_SIZE = 50;

// The parameters of the address other than filters.
export const listDefaults = { q: '', sort: '', order: '', size: '' };

// The values that are not empty.
const present = (values: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => !!entry[1]));

interface Props<Row extends Item> {
  entity: Entity;
  defaults: Record<string, string>; // of the address: listDefaults and the filters
  filters: Filter[];
  hint: string;
  emptyText: string;
  columns: TableColumnsType<Row>;
  expandable?: TableProps<Row>['expandable'];
  actions: (ids: number[], clear: () => void) => ReactNode;
  onRefresh?: () => void; // refreshes the rest of the page
  banner?: ReactNode;
}

// The chosen ids: those that were ticked, or all that match.
function useChosen(entity: Entity, filterKey: string, query: Query) {
  const { t, n } = useBatchTexts();
  const { message } = App.useApp();
  const [ids, setIds] = useState<number[]>([]);
  const [isLoadingAll, setLoadingAll] = useState(false);
  // Other rows match now. Chosen rows may be hidden, and must not be changed unseen.
  useEffect(() => setIds([]), [entity, filterKey]);
  async function chooseAll() {
    setLoadingAll(true);
    try {
      const all = await getIds(entity, query);
      setIds(all.ids);
      if (all.hasMore) message.warning(t('tooMany', { n: n(all.ids.length) }));
    } catch (error) {
      message.error(error instanceof ApiError ? error.message : t('loadFailed'));
    } finally {
      setLoadingAll(false);
    }
  }
  return { ids, setIds, isLoadingAll, chooseAll };
}

export function EntityTable<Row extends Item>({ entity, defaults, filters, hint, emptyText, columns, expandable, actions, onRefresh, banner }: Props<Row>) {
  const { t, n } = useBatchTexts();
  const [state, setState] = useUrlState(defaults);
  const [cursors, setCursors] = useState<string[]>([]); // of the pages up to this one
  const size = SIZES.includes(Number(state.size)) ? Number(state.size) : DEFAULT_SIZE;
  const isDescending = state.order === 'desc';
  const filtered = present(Object.fromEntries(['q', ...filters.map((filter) => filter.name)].map((name) => [name, state[name]])));
  const query = { ...filtered, ...(state.sort ? { sortBy: state.sort, sortOrder: isDescending ? 'desc' : 'asc' } : {}) };
  const isFiltered = Object.keys(filtered).length > 0;
  const filterKey = JSON.stringify(filtered);
  const queryKey = JSON.stringify(query);
  const cursor = cursors.at(-1);
  useEffect(() => setCursors([]), [entity, queryKey, size]);

  const chosen = useChosen(entity, filterKey, query);
  const page = useQuery({
    queryKey: ['list', entity, queryKey, size, cursor],
    queryFn: ({ signal }) => getPage<Row>(entity, { ...query, limit: size, cursor }, signal),
    placeholderData: keepPreviousData,
  });
  const items = page.data?.items ?? [];
  const total = page.data?.total ?? 0;
  const first = cursors.length * size;

  const onSort: TableProps<Row>['onChange'] = (_, __, sorter) => {
    const one = Array.isArray(sorter) ? sorter[0] : sorter;
    setState({ sort: one?.order ? String(one.columnKey) : '', order: one?.order === 'descend' ? 'desc' : '' });
  };

  return (
    <div className="batch-list">
      <div className="batch-toolbar">
        <FilterBar filters={filters} hint={hint} state={state} onChange={setState} />
        <Space>
          <Button icon={<ReloadOutlined />} aria-label={t('refresh')} title={t('refresh')} onClick={() => { void page.refetch(); onRefresh?.(); }} />
          <Button icon={<DownloadOutlined />} href={addressOf(`/api/v1/${entity}:export?${new URLSearchParams({ ...query, format: 'csv' }).toString()}`)} download disabled={total === 0}>{t('exportCsv')}</Button>
        </Space>
      </div>
      {banner}
      <SelectionBar count={chosen.ids.length} total={total} isLoadingAll={chosen.isLoadingAll} onAll={() => void chosen.chooseAll()} onClear={() => chosen.setIds([])}>
        {actions(chosen.ids, () => chosen.setIds([]))}
      </SelectionBar>
      {page.isError && <ErrorNotice error={page.error} onRetry={() => void page.refetch()} />}
      <Table<Row>
        size="small" rowKey="id" pagination={false} className="batch-table"
        loading={page.isPending || page.isPlaceholderData}
        dataSource={items}
        columns={columns.map((column) => ({ ...column, ...('sorter' in column && column.sorter ? { sortOrder: column.key !== state.sort ? null : isDescending ? 'descend' : 'ascend' } : {}) }))}
        onChange={onSort}
        rowSelection={{
          columnWidth: 40,
          selectedRowKeys: chosen.ids,
          preserveSelectedRowKeys: true,
          onChange: (keys) => chosen.setIds(keys as number[]),
          getTitleCheckboxProps: () => ({ 'aria-label': t('selectPage') }),
          getCheckboxProps: (row) => ({ 'aria-label': t('select', { name: row.name }) }),
        }}
        {...(expandable ? { expandable: { columnWidth: 32, ...expandable } } : {})}
        locale={{ emptyText: page.isPending || page.isError ? ' ' : <Nothing what={isFiltered ? t('emptyFiltered') : emptyText} /> }}
      />
      {total > 0 && (
        <nav className="batch-pages" aria-label={t('pages')}>
          <span role="status" className="numbers">{t('range', { from: n(Math.min(first + 1, total)), to: n(first + items.length), total: n(total) })}</span>
          <Space>
            <Select size="small" aria-label={t('pageSize')} value={size} options={SIZES.map((value) => ({ value, label: `${t('pageSize')} ${value}` }))}
              onChange={(value) => setState({ size: value === DEFAULT_SIZE ? '' : String(value) })} />
            <Button size="small" icon={<LeftOutlined />} aria-label={t('previous')} disabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))} />
            <Button size="small" icon={<RightOutlined />} aria-label={t('next')} disabled={!page.data?.pageInfo.hasMore || page.isPlaceholderData}
              onClick={() => setCursors([...cursors, page.data?.pageInfo.nextCursor ?? ''])} />
          </Space>
        </nav>
      )}
    </div>
  );
}
