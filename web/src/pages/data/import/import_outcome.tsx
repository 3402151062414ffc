// The outcome of an import.

import type { Schemas } from '../../../api/client';
import type { ProgressEvent } from '../../../api/events';
import { ErrorNotice } from '../../../components/page';
import { useTexts } from '../../../i18n/language';
import { BrokenStream, type EventRun } from '../../../lib/use_event_run';
import { Broken, Outcome } from '../progress';
import { TableCounts } from './table_counts';
import { texts } from '../texts';

type TableResult = Schemas['TableResult'];
export type ImportEvent = ProgressEvent & { tables?: TableResult[] };

function Report({ tables }: { tables: TableResult[] }) {
  const t = useTexts(texts);
  // A merge tells apart what it left alone; a table whose rows could not be compared has no such counts.
  const isCompared = tables.some((one) => one.equal !== undefined);
  const members = isCompared ? (['rows', 'inserted', 'updated', 'equal', 'different', 'keyTaken'] as const) : (['rows', 'inserted', 'updated', 'unchanged', 'skipped'] as const);
  const busiest = tables.toSorted((one, other) => other.inserted + other.updated - one.inserted - one.updated);
  return (
    <>
      <h3 className="part-title">{t('report')}</h3>
      <TableCounts
        label={t('report')} hasSum titles={members.map((member) => t(member === 'rows' ? 'inArchive' : member))}
        rows={busiest.map((one) => ({ table: one.table, note: isCompared && one.equal === undefined ? t('notCompared', { n: one.skipped }) : undefined, counts: members.map((member) => one[member]) }))}
      />
    </>
  );
}

export function ImportOutcome({ run, isUndone }: { run: EventRun<ImportEvent>; isUndone: boolean }) {
  const t = useTexts(texts);
  const { last } = run;
  if (isUndone) return <Outcome type="info" title={t('undoneNow')} />;
  if (last?.type === 'complete') {
    const n = last.warningCount ?? 0;
    return (
      <>
        <Outcome type={n > 0 ? 'warning' : 'success'} title={n > 0 ? t('completeWarnings', { n }) : t('complete')} details={last.message} />
        {last.tables && <Report tables={last.tables} />}
      </>
    );
  }
  const isCancelled = last?.errorCode === 'request.cancelled' || (run.isCancelled && last?.errorCode === 'upload.deleted'); // the cancelled upload
  if (isCancelled) return <Outcome type="info" title={t('cancelled')} />;
  if (last) {
    const isKnown = last.errorCode !== 'import.outcome_unknown';
    return <Outcome type="error" title={t(isKnown ? 'failed' : 'unknownOutcome')} details={last.message} />;
  }
  if (run.error instanceof BrokenStream) return <Broken wasApplied={run.error.wasApplied} applied={t('complete')} unchanged={t('failed')} />;
  return <ErrorNotice error={run.error} />;
}
