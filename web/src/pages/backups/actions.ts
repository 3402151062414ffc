// Requests that change something: a failure is shown, and what the page shows is asked for again.

import { useQueryClient } from '@tanstack/react-query';
import { App } from 'antd';
import { useCallback, useState } from 'react';
import { ApiError } from '../../api/client';
import { errorWords } from '../../components/page';
import { backupsKey } from './queries';

// `act` resolves to whether it succeeded; `busy` names what is under way.
export function useAct() {
  const queries = useQueryClient();
  const { message } = App.useApp();
  const [busy, setBusy] = useState<string | null>(null);
  const act = useCallback(async (name: string, work: () => Promise<unknown>, done?: string): Promise<boolean> => {
    setBusy(name);
    try {
      await work();
      if (done !== undefined) void message.success(done);
      return true;
    } catch (error) {
      void message.error(error instanceof ApiError ? errorWords(error) : String(error), 8);
      return false;
    } finally {
      setBusy(null);
      await queries.invalidateQueries({ queryKey: backupsKey });
    }
  }, [queries, message]);
  return { act, busy };
}
