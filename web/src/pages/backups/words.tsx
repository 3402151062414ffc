// What states, proofs, reasons, runs and recorded failures are called; the same words everywhere on the page.

import { Tag } from 'antd';
import { useLanguage, useTexts } from '../../i18n/language';
import { errorTexts } from '../../lib/errors.gen';
import type { Backup, JobSettings, Run } from './queries';
import { texts } from './texts';

type Name = keyof typeof texts;

const states: Record<Backup['state'], [Name, string]> = {
  made: ['stateMade', 'default'], stored: ['stateStored', 'processing'], proven: ['stateProven', 'success'],
  damaged: ['stateDamaged', 'error'], missing: ['stateMissing', 'error'],
};
const proofs: Record<string, Name> = { checksum: 'proofChecksum', read: 'proofRead', drill: 'proofDrill' };
const rules: Record<Backup['reasons'][number]['rule'], Name> = {
  last: 'ruleLast', hourly: 'ruleHourly', daily: 'ruleDaily', weekly: 'ruleWeekly', monthly: 'ruleMonthly', yearly: 'ruleYearly',
  within: 'ruleWithin', minimum: 'ruleMinimum', newest: 'ruleNewest', pinned: 'rulePinned', found: 'ruleFound',
};
const kinds: Record<Run['kind'], Name> = { backup: 'runBackup', verify: 'runVerify', drill: 'runDrill', prune: 'runPrune', scan: 'runScan' };
const ends: Record<Run['state'], [Name, string]> = {
  queued: ['runQueued', 'default'], running: ['runRunning', 'processing'], succeeded: ['runSucceeded', 'success'],
  failed: ['runFailed', 'error'], cancelled: ['runCancelled', 'default'],
};
const phases: Record<NonNullable<Run['progress']>['phase'], Name> = {
  wait: 'phaseWait', load: 'phaseLoad', export: 'phaseExport', encrypt: 'phaseEncrypt', upload: 'phaseUpload', pause: 'phasePause', scan: 'phaseScan',
  prune: 'phasePrune', fetch: 'phaseFetch', verify: 'phaseVerify', drill: 'phaseDrill',
};
const keeps = [
  ['last', 'saysLast'], ['hourly', 'saysHourly'], ['daily', 'saysDaily'], ['weekly', 'saysWeekly'], ['monthly', 'saysMonthly'],
  ['yearly', 'saysYearly'], ['withinHours', 'saysWithin'],
] as const;

export function useWords() {
  const t = useTexts(texts);
  const { language } = useLanguage();
  return {
    state: (state: Backup['state']) => t(states[state][0]),
    proof: (proof: string | null) => (proof !== null && proofs[proof] ? t(proofs[proof]) : t('unknown')),
    reasons: (backup: Backup) => backup.reasons.map(({ rule, rank }) => t(rules[rule], { rank: rank ?? 1 })).join(language === 'en' ? ', ' : '、'),
    kind: (kind: Run['kind']) => t(kinds[kind]),
    end: (state: Run['state']) => t(ends[state][0]),
    phase: ({ state, progress }: Run) => (state === 'queued' || !progress ? t('waitingTurn') : t(phases[progress.phase])),
    // A failure of which the code is recorded.
    error: (code: string | null | undefined) => errorTexts[code ?? '']?.[language === 'en' ? 1 : 0] ?? t('failedUnknown', { code: code ?? '–' }),
    retention: ({ retention }: JobSettings) =>
      keeps.filter(([name]) => retention[name] > 0).map(([name, text]) => t(text, { n: retention[name] })).join(language === 'en' ? ', ' : '、')
      || t('saysMinimum', { n: retention.minimum }),
  };
}

export function StateTag({ state }: { state: Backup['state'] }) {
  const words = useWords();
  return <Tag color={states[state][1]}>{words.state(state)}</Tag>;
}

export function RunTag({ state }: { state: Run['state'] }) {
  const words = useWords();
  return <Tag color={ends[state][1]}>{words.end(state)}</Tag>;
}
