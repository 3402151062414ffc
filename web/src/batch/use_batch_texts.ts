// The texts of these pages, and their formats for the service's data.

import { useMemo } from 'react';
import { useFormat } from '../i18n/format';
import { useLanguage, useTexts } from '../i18n/language';
import type { Value } from './model';
import { fieldNames, texts } from './texts';

const isUnlimitedWhenEmpty = (field: string) => /^(limit|dailyQuota|rpm)/.test(field);
const isSwitch = (field: string) => /enabled/i.test(field);
const isAmount = (field: string) => /^(limit|dailyQuota|cost)/.test(field);

export function useBatchTexts() {
  const t = useTexts(texts);
  const fields = useTexts(fieldNames);
  const { language } = useLanguage();
  const format = useFormat();
  return useMemo(() => {
    const amount = new Intl.NumberFormat(language, { maximumFractionDigits: 4 });
    const fieldName = (name: string) => (name in fieldNames ? fields(name as keyof typeof fieldNames) : name);
    // A field's value in readable form.
    const valueText = (field: string, value: Value | undefined): string => {
      if (value === null || value === undefined || value === '') return t(isUnlimitedWhenEmpty(field) ? 'unlimited' : 'none');
      if (field === 'rpm' && Number(value) === 0) return t('unlimited'); // the hub's meaning
      if (typeof value === 'boolean') return isSwitch(field) ? t(value ? 'enabled' : 'disabled') : t(value ? 'yes' : 'no');
      if (/reset_?mode$/i.test(field) && (value === 'fixed' || value === 'rolling')) return t(value);
      if (Array.isArray(value)) return value.length === 0 ? t('none') : value.join(', ');
      if (typeof value === 'number') return amount.format(value);
      return isAmount(field) && Number.isFinite(Number(value)) ? amount.format(Number(value)) : value;
    };
    return { t, fieldName, valueText, n: format.number, amount: (value: number) => amount.format(value), at: format.dateTime };
  }, [t, fields, language, format]);
}
