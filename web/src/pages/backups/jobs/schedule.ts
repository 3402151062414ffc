// A schedule in plain words, and the cron expression that it is.

export interface Schedule {
  kind: 'hourly' | 'daily' | 'weekly' | 'monthly' | 'cron';
  minute: number;
  hour: number;
  weekday: number; // 0: Sunday
  day: number; // of the month
  cron: string;
}

// An expression that is none of the plain ones stays as it is.
export function scheduleOf(cron: string): Schedule {
  const plain = { '@hourly': '0 * * * *', '@daily': '0 0 * * *', '@midnight': '0 0 * * *', '@weekly': '0 0 * * 0', '@monthly': '0 0 1 * *' }[cron] ?? cron;
  const schedule: Schedule = { kind: 'cron', minute: 0, hour: 4, weekday: 0, day: 1, cron };
  const fields = plain.trim().replaceAll(/\s+/g, ' ');
  const monthly = /^(\d{1,2}) (\d{1,2}) (\d{1,2}) \* \*$/.exec(fields);
  if (monthly) return { ...schedule, kind: 'monthly', minute: Number(monthly[1]), hour: Number(monthly[2]), day: Number(monthly[3]) };
  const found = /^(\d{1,2}) (\*|\d{1,2}) \* \* (\*|[0-7])$/.exec(fields);
  if (!found) return schedule;
  const [minute, hour, weekday] = [Number(found[1]), found[2]!, found[3]!];
  if (hour === '*') return weekday === '*' ? { ...schedule, kind: 'hourly', minute } : schedule;
  if (weekday === '*') return { ...schedule, kind: 'daily', minute, hour: Number(hour) };
  return { ...schedule, kind: 'weekly', minute, hour: Number(hour), weekday: Number(weekday) % 7 };
}

export function cronOf({ kind, minute, hour, weekday, day, cron }: Schedule): string {
  switch (kind) {
    case 'hourly': return `${minute} * * * *`;
    case 'daily': return `${minute} ${hour} * * *`;
    case 'weekly': return `${minute} ${hour} * * ${weekday}`;
    case 'monthly': return `${minute} ${hour} ${day} * *`;
    case 'cron': return cron.trim();
  }
}

const two = (value: number) => String(value).padStart(2, '0');
export const clock = ({ hour, minute }: Schedule) => `${two(hour)}:${two(minute)}`;

// The names of the days in the reader's language; 2023-01-01 was a Sunday.
export const weekdays = (language: string): string[] =>
  Array.from({ length: 7 }, (_, day) => new Intl.DateTimeFormat(language, { weekday: 'long', timeZone: 'UTC' }).format(new Date(Date.UTC(2023, 0, 1 + day))));
