// Numbers, sizes and times in the reader's format.

import { useMemo } from 'react';
import { useLanguage } from './language';

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB']; // powers of 1,024, as in limits and in PostgreSQL

export interface Format {
  number(value: number): string;
  percent(value: number): string; // `value` from 0 to 100
  bytes(value: number): string;
  bytesOver(value: number, limit: number): string; // with enough digits to differ from the limit
  duration(seconds: number): string; // 1:05, 2:03:04
  dateTime(value: string | number | Date): string;
  ago(value: string | number | Date): string; // "3 hours ago", "in 5 minutes"
  list(items: string[]): string;
}

function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

// In the largest unit of which it is at least two, so that "1 day ago" is never 47 hours.
const AGES = [['day', 86_400], ['hour', 3600], ['minute', 60]] as const;

function ago(relative: Intl.RelativeTimeFormat, value: string | number | Date): string {
  const seconds = (new Date(value).getTime() - Date.now()) / 1000;
  const found = AGES.find(([, length]) => Math.abs(seconds) >= 2 * length);
  return found ? relative.format(Math.trunc(seconds / found[1]), found[0]) : relative.format(Math.trunc(seconds), 'second');
}

export function useFormat(): Format {
  const { language } = useLanguage();
  return useMemo(() => {
    const number = new Intl.NumberFormat(language);
    const short = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });
    const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 });
    const dateTime = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });
    const relative = new Intl.RelativeTimeFormat(language);
    const list = new Intl.ListFormat(language, { type: 'conjunction' });
    return {
      number: (value) => number.format(value),
      percent: (value) => percent.format(value / 100),
      // In the limit's unit, rounded up, with as many digits as it takes.
      bytesOver(value, limit) {
        const atLimit = this.bytes(limit);
        if (this.bytes(value) !== atLimit) return this.bytes(value);
        const name = atLimit.split(' ').at(-1) as (typeof UNITS)[number];
        const scale = 1024 ** UNITS.indexOf(name);
        let digits = 1;
        while (digits < 9 && Math.ceil((value / scale) * 10 ** digits) === Math.ceil((limit / scale) * 10 ** digits)) digits++;
        const long = new Intl.NumberFormat(language, { maximumFractionDigits: digits });
        return `${long.format(Math.ceil((value / scale) * 10 ** digits) / 10 ** digits)} ${name}`;
      },
      bytes(value) {
        let unit = 0;
        let rest = value;
        while (rest >= 1000 && unit < UNITS.length - 1) {
          rest /= 1024;
          unit++;
        }
        return `${unit === 0 ? number.format(rest) : short.format(rest)} ${UNITS[unit]}`;
      },
      duration,
      dateTime: (value) => dateTime.format(new Date(value)),
      ago: (value) => ago(relative, value),
      list: (items) => list.format(items),
    };
  }, [language]);
}
