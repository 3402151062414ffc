// The counts of tables: columns if there is room, a line under each name on a phone.

import { Grid, Table, Tag, Typography } from 'antd';
import { DataTable } from '../../../components/data_table';
import { useFormat } from '../../../i18n/format';
import { useTexts } from '../../../i18n/language';
import { texts } from '../texts';

export interface TableCount {
  table: string;
  isNew?: boolean;
  problem?: string | null;
  note?: string;
  counts: (number | undefined)[]; // one for each title; undefined: not known
}

function Name({ row, facts }: { row: TableCount; facts: string }) {
  const t = useTexts(texts);
  return (
    <>
      <span className="technical-name">{row.table.replace(/^public\./, '')}</span> {row.isNew && <Tag color="blue">{t('newTable')}</Tag>}
      {facts && <div>{facts}</div>}
      {row.problem && <div><Typography.Text type="danger">{row.problem}</Typography.Text></div>}
      {row.note && <div><Typography.Text type="secondary" className="technical">{row.note}</Typography.Text></div>}
    </>
  );
}

export function TableCounts({ label, titles, rows, hasSum = false }: { label: string; titles: string[]; rows: TableCount[]; hasSum?: boolean }) {
  const t = useTexts(texts);
  const format = useFormat();
  const isWide = Grid.useBreakpoint().md ?? window.innerWidth >= 768;
  const count = (value: number | undefined) => (value === undefined ? '–' : format.number(value));
  const facts = ({ counts }: TableCount) => titles.flatMap((title, index) => (counts[index] ? [`${title} ${count(counts[index])}`] : [])).join(' · ');
  const sum: TableCount = { table: t('total'), counts: titles.map((_, index) => rows.reduce((all, { counts }) => all + (counts[index] ?? 0), 0)) };
  return (
    <DataTable<TableCount>
      label={label} size="small" rowKey="table" dataSource={rows} pagination={false} scroll={{ y: 400 }} showHeader={isWide}
      columns={[
        { title: t('table'), render: (_, row) => <Name row={row} facts={isWide ? '' : facts(row)} /> },
        ...(isWide ? titles : []).map((title, index) => ({ title, width: titles.length > 5 ? 96 : 116, align: 'right' as const, render: (_: unknown, row: TableCount) => count(row.counts[index]) })),
      ]}
      summary={hasSum ? () => (
        <Table.Summary fixed>
          <Table.Summary.Row>
            <Table.Summary.Cell index={0}><strong>{sum.table}</strong>{!isWide && <div>{facts(sum)}</div>}</Table.Summary.Cell>
            {(isWide ? titles : []).map((title, index) => <Table.Summary.Cell key={title} index={index + 1} align="right"><strong>{count(sum.counts[index])}</strong></Table.Summary.Cell>)}
          </Table.Summary.Row>
        </Table.Summary>
      ) : undefined}
    />
  );
}
