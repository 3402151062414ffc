// A table of models with a search. It shows one page at a time, so that thousands of models do no harm.

import { Flex, Input, Table, type TableColumnsType } from 'antd';
import { useMemo, useState, type ReactNode } from 'react';
import { useTexts } from '../../../i18n/language';
import { texts } from '../texts';

export function ModelTable<Row extends { modelName: string }>({ rows, columns, expand, label, showHeader }: {
  rows: Row[]; columns: TableColumnsType<Row>; expand?: (row: Row) => ReactNode; label: string; showHeader?: boolean;
}) {
  const t = useTexts(texts);
  const [search, setSearch] = useState('');
  const found = useMemo(() => rows.filter(({ modelName }) => modelName.toLowerCase().includes(search.trim().toLowerCase())), [rows, search]);
  const keyed = useMemo(() => new Map(found.map((row, i) => [row, `${i} ${row.modelName}`])), [found]);
  return (
    <Flex vertical gap="small">
      {rows.length > 10 && <Input.Search allowClear aria-label={t('searchModels')} placeholder={t('searchModels')} onChange={(event) => setSearch(event.target.value)} />}
      <Table<Row>
        aria-label={label} size="small" rowKey={(row) => keyed.get(row) ?? row.modelName} columns={columns} dataSource={found} showHeader={showHeader}
        pagination={{ defaultPageSize: 10, showSizeChanger: true, hideOnSinglePage: true, size: 'small' }}
        expandable={expand && {
          expandedRowRender: expand, expandRowByClick: false,
          expandIcon: ({ expanded, onExpand, record }) => (
            <button
              type="button" className={`ant-table-row-expand-icon ant-table-row-expand-icon-${expanded ? 'expanded' : 'collapsed'}`}
              aria-label={t('showFields', { name: record.modelName })} aria-expanded={expanded} onClick={(event) => onExpand(record, event)}
            />
          ),
        }}
      />
    </Flex>
  );
}
