// The reader's language: the chosen one, else the browser's, else Chinese. A page has its sentences in its `texts.ts`, with both
// languages side by side, so that neither can be forgotten:
//
//   export const texts = defineTexts({ rows: ['{n} 行', '{n} rows'] });
//   const t = useTexts(texts);
//   t('rows', { n: 3 })
//
// English has two forms of many words: '{n|row|rows}' is "1 row" or "3 rows".

import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';

export type Language = 'zh-CN' | 'en';
type Text = readonly [zh: string, en: string];
export type Values = Record<string, string | number>;

const STORED = 'cch-data.language';

export function defineTexts<Name extends string>(texts: Record<Name, Text>): Record<Name, Text> {
  return texts;
}

function firstLanguage(): Language {
  const stored = localStorage.getItem(STORED);
  if (stored === 'en' || stored === 'zh-CN') return stored;
  const known = navigator.languages.find((language) => /^(zh|en)\b/i.test(language));
  return known !== undefined && /^en\b/i.test(known) ? 'en' : 'zh-CN';
}

// For code outside of components: requests ask for errors in this language.
let current: Language = firstLanguage();
export const currentLanguage = (): Language => current;

interface LanguageChoice {
  language: Language;
  setLanguage(language: Language): void;
}

const Context = createContext<LanguageChoice | null>(null);

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setState] = useState<Language>(current);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const setLanguage = useCallback((next: Language) => {
    current = next;
    localStorage.setItem(STORED, next);
    setState(next);
  }, []);
  const value = useMemo(() => ({ language, setLanguage }), [language, setLanguage]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useLanguage(): LanguageChoice {
  const choice = useContext(Context);
  if (!choice) throw new Error('outside of LanguageProvider');
  return choice;
}

function fill(text: string, values: Values | undefined): string {
  return values ? text.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (whole, name: string, one?: string, many?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return one === undefined ? String(value) : `${value} ${String(value) === '1' ? one : many}`;
  }) : text;
}

export type Translate<Name extends string> = (name: Name, values?: Values) => string;

export function useTexts<Name extends string>(texts: Record<Name, Text>): Translate<Name> {
  const { language } = useLanguage();
  return useCallback((name, values) => fill(texts[name][language === 'en' ? 1 : 0], values), [texts, language]);
}
