// Applies batches one after the other. Meanwhile, leaving the page needs a confirmation.

import { useCallback, useRef, useState } from 'react';
import { useLeaveWarning } from '../../lib/use_leave_warning';
import { apply, idempotencyKeys, type Action, type Outcome } from './run';
import { useBatchTexts } from '../use_batch_texts';

export interface Runner {
  outcome: Outcome | undefined;
  batches: number; // in total
  isRunning: boolean;
  isStopping: boolean;
  stop(): void;
  run(action: Action, from: Outcome): Promise<Outcome>;
}

export function useApply(): Runner {
  const { t } = useBatchTexts();
  const [outcome, setOutcome] = useState<Outcome>();
  const [batches, setBatches] = useState(0);
  const [isRunning, setRunning] = useState(false);
  const [isStopping, setStopping] = useState(false);
  const shouldStop = useRef(false);
  const keyOf = useRef(idempotencyKeys());
  useLeaveWarning(isRunning, t('leavePage'));

  const run = useCallback(async (action: Action, from: Outcome) => {
    shouldStop.current = false;
    setStopping(false);
    setRunning(true);
    setOutcome(from);
    setBatches((before) => (from.doneIds.length > 0 ? before : from.rest.length));
    const result = await apply(action, from, keyOf.current, setOutcome, () => shouldStop.current);
    setOutcome(result);
    setRunning(false);
    return result;
  }, []);

  const stop = useCallback(() => {
    shouldStop.current = true;
    setStopping(true);
  }, []);

  return { outcome, batches, isRunning, isStopping, stop, run };
}
