// Deletes providers and closes their circuit breakers, with one confirmation for all of them.

import { useQueryClient } from '@tanstack/react-query';
import { App, Input } from 'antd';
import { useCallback } from 'react';
import { ApiError } from '../../api/client';
import { errorWords } from '../../components/page';
import { BATCH_SIZE } from '../model';
import { getPage, type Item } from '../requests';
import { apply, idempotencyKeys, loadItems, newOutcome, split, type Action } from './run';
import { useBatchTexts } from '../use_batch_texts';
import { useUndo } from './use_undo';

const NAMES_SHOWN = 10;
const UNTYPED_AT_MOST = 50; // providers that can be deleted without typing their number

function TypedCount({ text, count, onRight }: { text: string; count: number; onRight: (isRight: boolean) => void }) {
  return (
    <>
      <label htmlFor="typed-count">{text}</label>
      <Input id="typed-count" inputMode="numeric" autoComplete="off" onChange={(event) => onRight(event.target.value.trim() === String(count))} />
    </>
  );
}

export function useProviderActions() {
  const { t, n } = useBatchTexts();
  const { modal, message, notification } = App.useApp();
  const queries = useQueryClient();
  const { notice } = useUndo();

  const run = useCallback(async (action: Action, ids: number[]) => {
    const batches = split('providers', ids, []);
    const key = 'batch progress';
    const show = (done: number) => batches.length > 1 && message.open({ key, type: 'loading', duration: 0, content: t('doneOf', { done: n(done), total: n(ids.length) }) });
    show(0);
    const outcome = await apply(action, newOutcome(batches), idempotencyKeys(), (now) => show(now.doneIds.length), () => false);
    message.destroy(key);
    void queries.invalidateQueries();
    if (outcome.error) {
      const rest = outcome.total - outcome.doneIds.length;
      notification.error({
        title: errorWords(outcome.error), placement: 'bottomRight', duration: 0,
        description: t('failed', { done: n(outcome.doneIds.length), rest: n(rest) }),
      });
    }
    return outcome;
  }, [message, n, notification, queries, t]);

  const remove = useCallback(async (ids: number[], onDone: () => void = () => undefined) => {
    let names: string[];
    let all: number;
    try {
      all = (await getPage<Item>('providers', { limit: 1 })).total;
      names = (await loadItems('providers', ids.slice(0, NAMES_SHOWN), () => undefined, new AbortController().signal)).map((item) => item.name);
    } catch (error) {
      message.error(error instanceof ApiError ? error.message : t('loadFailed'));
      return;
    }
    const more = ids.length > NAMES_SHOWN ? ` ${t('more', { n: n(ids.length - NAMES_SHOWN) })}` : '';
    const mustType = ids.length > 1 && (ids.length >= all || ids.length > UNTYPED_AT_MOST);
    const dialog = modal.confirm({
      title: t('deleteTitle', { n: n(ids.length) }),
      content: (
        <>
          <p className="batch-breaks">{names.join(', ')}{more}</p>
          <p>{t('deleteText')}</p>
          {mustType && (
            <TypedCount
              text={t(ids.length >= all ? 'typeCountAll' : 'typeCount', { n: ids.length })} count={ids.length}
              onRight={(isRight) => dialog.update({ okButtonProps: { danger: true, disabled: !isRight } })}
            />
          )}
          {ids.length > BATCH_SIZE && <p>{t('split', { batches: n(Math.ceil(ids.length / BATCH_SIZE)), size: n(BATCH_SIZE) })}</p>}
        </>
      ),
      okText: t('remove'),
      okButtonProps: { danger: true, disabled: mustType },
      cancelText: t('cancel'),
      onOk: async () => {
        const outcome = await run({ kind: 'delete', entity: 'providers' }, ids);
        if (outcome.doneIds.length > 0) notice(t('deleted', { n: n(outcome.doneIds.length) }), outcome.operationIds, outcome.cacheNotified);
        if (!outcome.error) onDone();
      },
    });
  }, [message, modal, n, notice, run, t]);

  const reset = useCallback((ids: number[]) => {
    const go = async () => {
      const outcome = await run({ kind: 'reset', entity: 'providers' }, ids);
      if (!outcome.error) message.success(outcome.changedCount > 0 ? t('circuitResetDone', { n: n(outcome.changedCount) }) : t('circuitResetNothing'));
    };
    if (ids.length === 1) void go();
    else modal.confirm({ title: t('resetTitle', { n: n(ids.length) }), content: t('resetText'), okText: t('circuitReset'), cancelText: t('cancel'), onOk: go });
  }, [message, modal, n, run, t]);

  return { remove, reset };
}
