// The side effects and losses of an import: shown before it starts, and confirmed one by one.

import { Alert, Checkbox, Flex, Typography } from 'antd';
import { useFormat } from '../../../i18n/format';
import { useTexts } from '../../../i18n/language';
import type { Inspection } from './archive_facts';
import type { Choices } from './import_choices';
import type { Preview } from './preview_report';
import { texts } from '../texts';

// An archive is code: it can define functions, triggers and operators that run with the rights of the database role.
export function Trust() {
  const t = useTexts(texts);
  return <Typography.Text type="secondary">{t('trust')}</Typography.Text>;
}

const LOG = 'public.message_request';

export interface Loss {
  name: string; // of the table
  rows: number | null; // at present; null: not known
  isLog: boolean;
}

// Tables that an overwrite empties, because the archive has no rows of them.
export function lossesOf({ choices, inspection, preview, logRows }: {
  choices: Choices; inspection: Inspection | null; preview: Preview | null; logRows: number | null;
}): Loss[] {
  if (choices.mode !== 'overwrite') return [];
  if (preview) {
    const isLogLeftOut = preview.skipLogs || !preview.archive.hasLogs;
    return preview.tables
      .filter(({ table, archiveRows, liveRows }) => liveRows > 0 && (table === LOG ? isLogLeftOut : archiveRows === 0))
      .map(({ table, liveRows }) => ({ name: table, rows: liveRows, isLog: table === LOG }));
  }
  const withoutRows = (inspection?.tables ?? []).filter(({ hasData }) => !hasData).map(({ schema, name }) => `${schema}.${name}`);
  const names = new Set([...withoutRows, ...(choices.skipLogs ? [LOG] : [])]);
  return [...names].filter((name) => name !== LOG || logRows !== 0).map((name) => ({ name, rows: name === LOG ? logRows : null, isLog: name === LOG }));
}

export function Losses({ losses, accepted, onAccept }: { losses: Loss[]; accepted: ReadonlySet<string>; onAccept: (accepted: ReadonlySet<string>) => void }) {
  const t = useTexts(texts);
  const format = useFormat();
  if (losses.length === 0) return null;
  const set = (names: string[], isAgreed: boolean) => {
    const next = new Set(accepted);
    for (const name of names) if (isAgreed) next.add(name); else next.delete(name);
    onAccept(next);
  };
  const text = ({ name, rows, isLog }: Loss) => {
    const table = name.replace(/^public\./, '');
    if (isLog) return rows === null ? t('lossLogUnknown') : t('lossLog', { n: format.number(rows) });
    return rows === null ? t('lossUnknown', { table }) : t('loss', { table, n: format.number(rows) });
  };
  return (
    <Alert
      type="warning" showIcon title={t('losses')}
      description={
        <Flex vertical gap={4}>
          {losses.map((loss) => (
            <Checkbox key={loss.name} checked={accepted.has(loss.name)} onChange={(event) => set([loss.name], event.target.checked)}>{text(loss)}</Checkbox>
          ))}
        </Flex>
      }
    />
  );
}
