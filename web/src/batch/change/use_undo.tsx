// Undoes operations and shows the result; rows changed since are listed, and may be skipped.

import { useQueryClient } from '@tanstack/react-query';
import { App, Button } from 'antd';
import { useCallback } from 'react';
import { errorWords } from '../../components/page';
import { undo, type Undone } from './run';
import { useBatchTexts } from '../use_batch_texts';

const NOTICE_S = 60;
const ROWS_SHOWN = 20;

export interface Undo {
  undo(operationIds: readonly string[]): Promise<boolean>; // true: everything is undone, or skipped on request
  notice(title: string, operationIds: readonly string[], cacheNotified: boolean): void;
}

export function useUndo(): Undo {
  const { t, n } = useBatchTexts();
  const { notification, modal } = App.useApp();
  const queries = useQueryClient();

  const askToSkip = useCallback(({ conflicts }: Undone) => modal.confirm({
    title: t('undoConflicts', { n: n(conflicts.length) }),
    content: (
      <ul>
        {conflicts.slice(0, ROWS_SHOWN).map((row) => <li key={`${row.entity} ${row.id}`}>{row.name ?? `#${row.id}`}</li>)}
        {conflicts.length > ROWS_SHOWN && <li>{t('more', { n: n(conflicts.length - ROWS_SHOWN) })}</li>}
      </ul>
    ),
    okText: t('undoSkip'),
    cancelText: t('cancel'),
  }), [modal, n, t]);

  const run = useCallback(async (operationIds: readonly string[]) => {
    let pending: readonly string[] = operationIds;
    let restored = 0;
    let skipConflicts = false;
    for (;;) {
      const result = await undo(pending, skipConflicts);
      restored += result.restoredCount;
      void queries.invalidateQueries();
      if (!result.error) {
        notification.success({ title: t('undone', { n: n(restored) }), placement: 'bottomRight' });
        return true;
      }
      if (result.conflicts.length === 0) {
        notification.error({ title: t('undoFailed'), description: errorWords(result.error), placement: 'bottomRight', duration: 0 });
        return false;
      }
      if (!(await askToSkip(result))) return false;
      pending = result.pending;
      skipConflicts = true;
    }
  }, [askToSkip, n, notification, queries, t]);

  const notice = useCallback((title: string, operationIds: readonly string[], cacheNotified: boolean) => {
    const key = `batch ${operationIds.join(' ')}`;
    const isUndoable = operationIds.length > 0;
    notification[cacheNotified ? 'success' : 'warning']({
      key,
      title,
      placement: 'bottomRight',
      duration: isUndoable ? NOTICE_S : 6,
      description: <>{!cacheNotified && <div>{t('notNotified')}</div>}{isUndoable && <div>{t('undoUntil')}</div>}</>,
      actions: isUndoable && (
        <Button type="primary" size="small" onClick={() => { notification.destroy(key); void run(operationIds); }}>{t('undo')}</Button>
      ),
    });
  }, [notification, run, t]);

  return { undo: run, notice };
}
