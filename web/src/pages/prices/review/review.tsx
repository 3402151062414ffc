// A dry run, reviewed in a drawer before it is applied. Closing it changes nothing.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, App, Button, Drawer, Flex, Grid } from 'antd';
import { useMemo, useState, type ReactNode } from 'react';
import { ApiError } from '../../../api/client';
import { ErrorNotice, Loading } from '../../../components/page';
import { useFormat } from '../../../i18n/format';
import { useTexts } from '../../../i18n/language';
import { useLeaveWarning } from '../../../lib/use_leave_warning';
import type { Report } from '../api';
import { ReportView } from './changes';
import { changeCount, defaultChoice, type Choice } from './outliers';
import { texts } from '../texts';

interface ReviewProps {
  title: string;
  top?: ReactNode;
  waiting: string; // shown during the comparison
  compare: null | ((signal: AbortSignal) => Promise<Report>); // null: nothing to compare yet
  compareKey: unknown[]; // identifies the compared data
  apply: (report: Report, overwriteManual: string[], leaveOut: string[]) => Promise<Report>;
  onFailure?: (error: unknown, retry: () => void) => ReactNode; // instead of the usual notice
  onClose: () => void;
}

export function Review({ title, top, waiting, compare, compareKey, apply, onFailure, onClose }: ReviewProps) {
  const t = useTexts(texts);
  const { number } = useFormat();
  const { message } = App.useApp();
  const isWide = Grid.useBreakpoint().md ?? true;
  const queries = useQueryClient();
  const [round, setRound] = useState(0);
  const [picked, setPicked] = useState<{ of: Report; choice: Choice } | null>(null);
  const compared = useQuery({
    queryKey: ['price-review', ...compareKey, round],
    queryFn: ({ signal }) => compare!(signal),
    enabled: compare !== null,
    retry: false, staleTime: Infinity, gcTime: 0, refetchOnWindowFocus: false, refetchOnReconnect: false,
  });
  const report = compared.data;
  const choice = useMemo(() => (report === undefined ? null : picked?.of === report ? picked.choice : defaultChoice(report)), [report, picked]);
  const applying = useMutation({
    mutationFn: () => apply(report!, choice!.overwrite, [...choice!.leftOut]),
    onSuccess: (done) => {
      const counts = { added: number(done.added.length), updated: number(done.updated.length), removed: number(done.removed.length) };
      const n = done.leftOut?.length ?? 0;
      void message.success(n > 0 ? t('appliedLeftOut', { ...counts, n: number(n) }) : t('applied', counts));
      onClose();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['prices'] }),
  });
  const again = () => {
    applying.reset();
    setRound(round + 1);
  };
  useLeaveWarning(applying.isPending, t('leaveApplying'));
  const isStale = applying.error instanceof ApiError && applying.error.errorCode === 'prices.check_stale';
  const changes = report && choice ? changeCount(report, choice) : 0;
  const isUpToDate = changes === 0 && report?.conflicts?.length === 0 && choice?.leftOut.size === 0;
  return (
    <Drawer
      open title={title} onClose={onClose} size={isWide ? 880 : '100%'} maskClosable={!applying.isPending} closable={!applying.isPending} keyboard={!applying.isPending}
      footer={
        <Flex justify="end" gap="small">
          <Button onClick={onClose} disabled={applying.isPending}>{isUpToDate ? t('close') : t('cancel')}</Button>
          <Button type="primary" disabled={changes === 0 || isStale || compared.isFetching} loading={applying.isPending} onClick={() => applying.mutate()}>
            {changes > 0 ? t('applyN', { n: number(changes) }) : t('apply')}
          </Button>
        </Flex>
      }
    >
      <Flex vertical gap="middle">
        {top}
        {compare !== null && compared.isFetching && <div role="status"><p>{waiting}</p><Loading /></div>}
        {compared.isError && !compared.isFetching && (onFailure?.(compared.error, again) ?? <ErrorNotice error={compared.error} onRetry={again} />)}
        {isStale && <Alert type="warning" showIcon role="alert" title={t('stale')} action={<Button size="small" onClick={again}>{t('compareAgain')}</Button>} />}
        {applying.isError && !isStale && <ErrorNotice error={applying.error} />}
        {isUpToDate && !compared.isFetching && <Alert type="success" showIcon title={t('upToDate')} />}
        {report && choice && !compared.isFetching && <ReportView report={report} choice={choice} onChoose={(next) => setPicked({ of: report, choice: next })} />}
      </Flex>
    </Drawer>
  );
}
