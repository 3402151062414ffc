// Light, dark, or the system's colours.

import { createContext, useContext, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from 'react';

export type Colors = 'system' | 'light' | 'dark';

const STORED = 'cch-data.colors';
const systemIsDark = window.matchMedia('(prefers-color-scheme: dark)');

interface ColorsChoice {
  colors: Colors;
  isDark: boolean;
  setColors(colors: Colors): void;
}

const Context = createContext<ColorsChoice>({ colors: 'system', isDark: false, setColors: () => undefined });

function watchSystem(onChange: () => void): () => void {
  systemIsDark.addEventListener('change', onChange);
  return () => systemIsDark.removeEventListener('change', onChange);
}

function storedColors(): Colors {
  const stored = localStorage.getItem(STORED);
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

export function ColorsProvider({ children }: { children: ReactNode }) {
  const [colors, setState] = useState<Colors>(storedColors);
  const isSystemDark = useSyncExternalStore(watchSystem, () => systemIsDark.matches);
  const isDark = colors === 'dark' || (colors === 'system' && isSystemDark);
  useEffect(() => {
    document.documentElement.dataset.colors = isDark ? 'dark' : 'light';
  }, [isDark]);
  const value = useMemo(
    () => ({
      colors,
      isDark,
      setColors(next: Colors) {
        localStorage.setItem(STORED, next);
        setState(next);
      },
    }),
    [colors, isDark],
  );
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export const useColors = (): ColorsChoice => useContext(Context);
