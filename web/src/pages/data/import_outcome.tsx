// What became of an import.

import { Table } from 'antd';
import type { Schemas } from '../../api/client';
import type { ProgressEvent } from '../../api/events';
import { ErrorNotice } from '../../components/page';
import { DataTable } from '../../components/data_table';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { BrokenStream, type EventRun } from '../../lib/use_event_run';
import { Broken, Outcome } from './progress';
import { texts } from './texts';

type TableResult = Schemas['TableResult'];
export type ImportEvent = ProgressEvent & { tables?: TableResult[] };

function Report({ tables }: { tables: TableResult[] }) {
  const t = useTexts(texts);
  const format = useFormat();
  const members = ['rows', 'inserted', 'updated', 'unchanged', 'skipped'] as const;
  const total = (member: (typeof members)[number]) => tables.reduce((all, table) => all + table[member], 0);
  const busiest = tables.toSorted((one, other) => other.inserted + other.updated - one.inserted - one.updated);
  return (
    <>
      <h3 className="part-title">{t('report')}</h3>
      <DataTable
        label={t('report')} size="small" rowKey="table" dataSource={busiest} pagination={false} scroll={{ x: 'max-content', y: 400 }}
        columns={[
          { title: t('table'), dataIndex: 'table' },
          ...members.map((member) => ({ title: t(member === 'rows' ? 'inArchive' : member), align: 'right' as const, render: (_: unknown, one: TableResult) => format.number(one[member]) })),
        ]}
        summary={() => (
          <Table.Summary fixed><Table.Summary.Row>
            <Table.Summary.Cell index={0}><strong>{t('total')}</strong></Table.Summary.Cell>
            {members.map((member, index) => <Table.Summary.Cell key={member} index={index + 1} align="right"><strong>{format.number(total(member))}</strong></Table.Summary.Cell>)}
          </Table.Summary.Row></Table.Summary>
        )}
      />
    </>
  );
}

export function ImportOutcome({ run }: { run: EventRun<ImportEvent> }) {
  const t = useTexts(texts);
  const { last } = run;
  if (last?.type === 'complete') {
    const n = last.warningCount ?? 0;
    return (
      <>
        <Outcome type={n > 0 ? 'warning' : 'success'} title={n > 0 ? t('completeWarnings', { n }) : t('complete')} details={last.message} />
        {last.tables && <Report tables={last.tables} />}
      </>
    );
  }
  if (last?.errorCode === 'request.cancelled') return <Outcome type="info" title={t('cancelled')} />;
  if (last) {
    const isKnown = last.errorCode !== 'import.outcome_unknown';
    return <Outcome type="error" title={t(isKnown ? 'failed' : 'unknownOutcome')} details={last.message} />;
  }
  if (run.error instanceof BrokenStream) return <Broken wasApplied={run.error.wasApplied} applied={t('complete')} unchanged={t('failed')} />;
  return <ErrorNotice error={run.error} />;
}
