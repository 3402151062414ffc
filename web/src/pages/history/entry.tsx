// One entry: actor, action, address, the values before and after, and whether it can be undone.

import { CheckCircleOutlined, CloseCircleOutlined } from '@ant-design/icons';
import { Alert, Button, Descriptions, Drawer, Flex, Pagination, Typography } from 'antd';
import { Link } from 'react-router';
import { ErrorNotice, Loading } from '../../components/page';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import type { Schemas } from '../../api/client';
import { Changes } from './changes';
import type { Json } from './compare';
import { useNames } from './names';
import { operationIdOf, useEntry, useKept, useOperation, type Operation } from './queries';
import { texts } from './texts';

type Whole = Schemas['AuditEntryWithValues'];

export function Outcome({ success }: { success: boolean }) {
  const t = useTexts(texts);
  return (
    <span className="history-outcome">
      {success ? <CheckCircleOutlined aria-hidden className="history-good" /> : <CloseCircleOutlined aria-hidden className="history-bad" />}
      {' '}{t(success ? 'succeeded' : 'failed')}
    </span>
  );
}

function Facts({ entry }: { entry: Whole }) {
  const t = useTexts(texts);
  const format = useFormat();
  const names = useNames();
  const known: [string, string | null][] = [
    [t('category'), names.category(entry.category)],
    [operationIdOf(entry) ? t('operation') : t('target'), entry.targetName ?? entry.targetId],
    [t('who'), entry.operatorName],
    [t('key'), entry.operatorKeyName],
    [t('ip'), entry.operatorIp],
    [t('userAgent'), entry.userAgent],
    [t('error'), entry.errorMessage],
  ];
  const items = [
    { key: 'time', label: t('time'), children: <time dateTime={entry.createdAt}>{format.dateTime(entry.createdAt)}</time> },
    { key: 'result', label: t('result'), children: <Outcome success={entry.success} /> },
    ...known.filter(([, value]) => value).map(([label, value]) => ({ key: label, label, children: <span className="history-value">{value}</span> })),
  ];
  return <Descriptions size="small" column={1} bordered items={items} />;
}

function OperationState({ operation, onUndo, onShow }: { operation: Operation; onUndo(): void; onShow(id: string): void }) {
  const t = useTexts(texts);
  const format = useFormat();
  const state = operation.undoneAt
    ? t('undone', { time: format.dateTime(operation.undoneAt) })
    : operation.undoable ? t('undoable', { time: format.dateTime(operation.undoableUntil) })
      : operation.changedCount === 0 ? t('notUndoable') : t('expired');
  return (
    <Alert
      type="info" title={state}
      action={operation.undoable && <Button type="primary" onClick={onUndo}>{t('undo')}</Button>}
      description={(operation.undoneBy || operation.undoes) && (
        <Flex wrap gap="small">
          {operation.undoneBy && <Button size="small" onClick={() => onShow(operation.undoneBy!)}>{t('undoing')}</Button>}
          {operation.undoes && <Button size="small" onClick={() => onShow(operation.undoes!)}>{t('undoes')}</Button>}
        </Flex>
      )}
    />
  );
}

function KeptHint() {
  const t = useTexts(texts);
  const kept = useKept(true);
  if (!kept.data || kept.data.kept.length === 0) return null;
  return <Alert type="info" title={t('keptHint')} action={<Link to="/settings/data"><Button size="small">{t('toData')}</Button></Link>} />;
}

function Details({ entry, onUndo, onShow }: { entry: Whole; onUndo(operation: Operation): void; onShow(id: string): void }) {
  const t = useTexts(texts);
  const operation = useOperation(entry);
  const hasBoth = entry.before !== null && entry.after !== null;
  return (
    <Flex vertical gap="middle">
      <Facts entry={entry} />
      {operation.data && <OperationState operation={operation.data} onUndo={() => onUndo(operation.data!)} onShow={onShow} />}
      {entry.type === 'database.import' && <KeptHint />}
      <Typography.Title level={3} className="history-heading">{t(hasBoth ? 'changes' : 'values')}</Typography.Title>
      <Changes before={entry.before as Json} after={entry.after as Json} />
    </Flex>
  );
}

// `parts`: the entries of the change to which this entry belongs.
export function EntryDrawer({ id, parts, onPart, onClose, onUndo, onShow }: {
  id: string; parts: string[]; onPart(id: string): void; onClose(): void; onUndo(operation: Operation): void; onShow(id: string): void;
}) {
  const t = useTexts(texts);
  const names = useNames();
  const entry = useEntry(id);
  return (
    <Drawer open onClose={onClose} size={Math.min(760, window.innerWidth)} title={entry.data ? names.action(entry.data.type) : t('entry')}>
      {parts.length > 1 && (
        <Flex align="center" gap="small" wrap className="above">
          <Typography.Text type="secondary">{t('part')}</Typography.Text>
          <Pagination simple size="small" pageSize={1} total={parts.length} current={parts.indexOf(id) + 1} onChange={(place) => onPart(parts[place - 1]!)} />
        </Flex>
      )}
      {entry.isPending && <Loading rows={8} />}
      {entry.isError && <ErrorNotice error={entry.error} onRetry={() => void entry.refetch()} />}
      {entry.data && <Details entry={entry.data} onUndo={onUndo} onShow={onShow} />}
    </Drawer>
  );
}
