// Every backup in the order of time: a bar whose height is its size and whose colour is its state. One of them is described.

import { Typography } from 'antd';
import { useEffect, useRef, useState, type CSSProperties } from 'react';
import { useFormat } from '../../i18n/format';
import { useLanguage, useTexts } from '../../i18n/language';
import { Kept } from './kept';
import type { Backup } from './queries';
import { texts } from './texts';
import { StateTag, useWords } from './words';

const LABEL_BARS = 6; // the room that a month's name takes

const month = (backup: Backup) => backup.madeAt.slice(0, 7);

// Each bar with the name of its month where one begins and there is room.
function useMonths(shown: Backup[]): (string | null)[] {
  const { language } = useLanguage();
  const names = new Intl.DateTimeFormat(language, { year: 'numeric', month: 'short' });
  let last = -LABEL_BARS;
  return shown.map((backup, place) => {
    const isNew = place === 0 || month(backup) !== month(shown[place - 1]!);
    if (!isNew || place - last < LABEL_BARS) return null;
    last = place;
    return names.format(new Date(backup.madeAt));
  });
}

// `newest`: the newest one first.
export function TimeLine({ newest }: { newest: Backup[] }) {
  const t = useTexts(texts);
  const format = useFormat();
  const words = useWords();
  const [chosen, setChosen] = useState<number | null>(null);
  const strip = useRef<HTMLDivElement>(null);
  const shown = [...newest].reverse();
  const months = useMonths(shown);
  const largest = Math.max(1, ...shown.map(({ bytes }) => bytes));
  const lastId = newest[0]?.id;
  useEffect(() => {
    if (strip.current) strip.current.scrollLeft = strip.current.scrollWidth;
  }, [lastId]);
  const described = newest.find(({ id }) => id === chosen) ?? newest[0];
  if (!described) return null;
  const states = (['proven', 'stored', 'made', 'damaged', 'missing'] as const).filter((state) => newest.some((backup) => backup.state === state));
  return (
    <section aria-label={t('timeline')}>
      <div className="backup-legend">
        <Typography.Text type="secondary">{t('timelineHint', { n: format.number(newest.length) })}</Typography.Text>
        {states.map((state) => <span key={state} className={`backup-key-of ${state}`}>{words.state(state)}</span>)}
        {newest.some(({ isKept }) => !isKept) && <span className="backup-key-of going">{t('timelineGoing')}</span>}
      </div>
      <div className="backup-bars" role="radiogroup" aria-label={t('timeline')} ref={strip}>
        {shown.map((backup, place) => (
          <span key={backup.id} className="backup-slot">
            <input
              type="radio" name="backup-bar" className={`backup-bar ${backup.state}${backup.isKept ? '' : ' going'}`} checked={backup.id === described.id} onChange={() => setChosen(backup.id)}
              style={{ '--size': `${Math.max(6, (backup.bytes / largest) * 100)}%` } as CSSProperties}
              aria-label={t('timelineBar', { time: format.dateTime(backup.madeAt), size: format.bytes(backup.bytes), state: words.state(backup.state) })}
              title={t('timelineBar', { time: format.dateTime(backup.madeAt), size: format.bytes(backup.bytes), state: words.state(backup.state) })}
            />
            {months[place] !== null && <span className="backup-month">{months[place]}</span>}
          </span>
        ))}
      </div>
      <div className="backup-text">
        <StateTag state={described.state} />{' '}
        <time dateTime={described.madeAt} className="numbers">{format.dateTime(described.madeAt)}</time>
        {` · ${format.bytes(described.bytes)} · ${described.job} · ${described.destination ?? ''}`}
        <div><Kept backup={described} /></div>
      </div>
    </section>
  );
}
