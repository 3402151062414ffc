// Filters are in the address, so that a page can be reloaded, returned to, and sent to a colleague.

import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router';

// The query's parameters with defaults, and a setter that keeps the others; a default is not written.
export function useUrlState<State extends Record<string, string>>(defaults: State): [State, (change: Partial<State>) => void] {
  const [params, setParams] = useSearchParams();
  const key = params.toString();
  const state = useMemo(() => {
    const found = new URLSearchParams(key);
    return Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, found.get(name) ?? value])) as State;
    // The defaults are constants of the page.
  }, [key]);
  const setState = useCallback(
    (change: Partial<State>) =>
      setParams(
        (before) => {
          const next = new URLSearchParams(before);
          for (const [name, value] of Object.entries(change)) {
            if (value === undefined || value === defaults[name]) next.delete(name);
            else next.set(name, value as string);
          }
          return next;
        },
        { replace: true },
      ),
    [setParams],
  );
  return [state, setState];
}
