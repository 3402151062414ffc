// Fields → preview → done, over as many batches as needed.

import { useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Drawer, Progress, Space, Steps } from 'antd';
import { useEffect, useMemo, useRef, useState } from 'react';
import { ApiError } from '../../api/client';
import { ErrorNotice } from '../../components/page';
import { BatchFields, type Drafts, type Problems } from './fields';
import { BATCH_SIZE, currentOf, FIELDS, problemOf, updateOf, type Entity, type Field, type Value } from '../model';
import { BatchPreview } from './preview';
import { BatchProgress } from './progress';
import { newOutcome, preview as previewOf, split, type Action, type Outcome, type Preview } from './run';
import type { Item } from '../requests';
import { useApply } from './use_apply';
import { useBatchTexts } from '../use_batch_texts';
import { useItems, useOptions } from './use_items';
import { useUndo } from './use_undo';
import '../batch.css';

const LOADING_SHOWN_FROM = 200; // rows

function actionOf(entity: Entity, drafts: Drafts): Action {
  const updates: Record<string, ReturnType<typeof updateOf>> = {};
  for (const field of FIELDS[entity]) {
    const draft = drafts[field.name];
    if (draft) updates[field.name] = updateOf(field, draft);
  }
  return { kind: 'update', entity, updates };
}

function problemsOf(entity: Entity, drafts: Drafts): Problems {
  const found: Problems = {};
  for (const field of FIELDS[entity]) {
    const draft = drafts[field.name];
    const problem = draft && problemOf(field, draft);
    if (problem) found[field.name] = problem;
  }
  return found;
}

// "updates.rpm" of an error's parameters, by field.
const problemsFrom = (error: unknown): Problems =>
  error instanceof ApiError ? Object.fromEntries(error.invalidParams.map(({ path, message }) => [path.split('.')[1] ?? path, { message }])) : {};

function Waiting({ text, done, total }: { text: string; done: number; total: number }) {
  return (
    <div role="status" className="batch-waiting">
      {text}
      <Progress percent={Math.round((100 * done) / Math.max(1, total))} showInfo={false} size="small" aria-label={text} />
    </div>
  );
}

// The preview of an action for some of the rows; `null` while it is computed.
function usePreview(action: Action, items: Item[] | undefined) {
  const [ids, setIds] = useState<number[]>([]);
  const [preview, setPreview] = useState<Preview | null>(null);
  const [done, setDone] = useState(0);
  const [error, setError] = useState<unknown>();
  const abort = useRef<AbortController>(null);
  const cancel = () => abort.current?.abort();
  useEffect(() => cancel, []);

  async function make(wanted: number[]): Promise<unknown> {
    cancel();
    const controller = new AbortController();
    abort.current = controller;
    setIds(wanted);
    setPreview(null);
    setDone(0);
    setError(undefined);
    try {
      setPreview(await previewOf(action, split(action.entity, wanted, items ?? []), setDone, controller.signal));
      return undefined;
    } catch (failure) {
      if (!controller.signal.aborted) setError(failure);
      return failure;
    }
  }
  return { ids, preview, done, error, make, cancel, forget: () => setError(undefined) };
}

// Rows that are refused, and keys of refused users.
function refusedIds(entity: Entity, { refused }: Preview, items: readonly Item[]): Set<number> {
  const own = new Set(refused.filter((one) => one.entity === entity).map((one) => one.id));
  const users = new Set(refused.filter((one) => one.entity === 'users').map((one) => one.id));
  if (entity === 'keys') for (const item of items) if ('userId' in item && users.has(item.userId)) own.add(item.id);
  return own;
}

export function BatchDrawer({ entity, ids, onClose, onDone }: { entity: Entity; ids: number[]; onClose: () => void; onDone: () => void }) {
  const { t, n } = useBatchTexts();
  const queries = useQueryClient();
  const undo = useUndo();
  const { items, loaded, error: loadError, retry } = useItems(entity, ids);
  const options = useOptions(entity);
  const [step, setStep] = useState<'edit' | 'preview' | 'run'>('edit');
  const [drafts, setDrafts] = useState<Drafts>({});
  const [problems, setProblems] = useState<Problems>({});
  const [isEmptyNoted, setEmptyNoted] = useState(false);
  const [excluded, setExcluded] = useState<ReadonlySet<number>>(new Set());
  const action = useMemo(() => actionOf(entity, drafts), [entity, drafts]);
  const preview = usePreview(action, items);
  const owners = useMemo(() => new Map((items ?? []).flatMap((item) => ('userName' in item && item.userName ? [[item.id, item.userName] as const] : []))), [items]);
  const runner = useApply();

  const first = items?.[0];
  // An older hub lacks columns: a value that cannot be null is null then.
  const isKnown = (field: Field) => first === undefined || (field.member in first && (field.isNullable || first[field.member as keyof Item] !== null));

  const isEmpty = Object.keys(drafts).length === 0;
  const toChange = (preview.preview?.rows ?? []).filter((row) => row.entity === entity && !excluded.has(row.id)).map((row) => row.id);
  const batchCount = Math.ceil((step === 'edit' ? ids : preview.ids).length / BATCH_SIZE);

  async function check(wanted: number[]) {
    setStep('preview');
    setExcluded(new Set());
    const found = problemsFrom(await preview.make(wanted));
    setProblems(found);
    if (Object.keys(found).length > 0) setStep('edit');
  }

  function toPreview() {
    const found = problemsOf(entity, drafts);
    setProblems(found);
    setEmptyNoted(isEmpty);
    if (!isEmpty && Object.keys(found).length === 0) void check((items ?? []).map((item) => item.id));
  }

  function leaveOut() {
    const refused = refusedIds(entity, preview.preview as Preview, items ?? []);
    void check(preview.ids.filter((id) => !refused.has(id)));
  }

  function toEdit() {
    preview.cancel();
    preview.forget();
    setStep('edit');
  }

  async function run(from: Outcome) {
    setStep('run');
    const outcome = await runner.run(action, from);
    void queries.invalidateQueries();
    if (outcome.rest.length > 0) return;
    undo.notice(t('updated', { n: n(outcome.changedCount) }), outcome.operationIds, outcome.cacheNotified);
    onDone();
  }

  async function undoDone(outcome: Outcome) {
    if (await undo.undo(outcome.operationIds)) onDone();
  }

  return (
    <Drawer
      open size={560} className="batch-drawer" title={t('editTitle', { what: t(entity), n: n(ids.length) })}
      closable={!runner.isRunning} keyboard={step === 'edit' && isEmpty /* what was entered is not lost by a key */} mask={{ closable: false }} onClose={onClose}
      footer={
        <Space wrap className="batch-footer">
          {step === 'edit' && <Button onClick={onClose}>{t('cancel')}</Button>}
          {step === 'edit' && <Button type="primary" disabled={!items || items.length === 0} onClick={toPreview}>{t('toPreview')}</Button>}
          {step === 'preview' && <Button onClick={toEdit}>{t('back')}</Button>}
          {step === 'preview' && (
            <Button type="primary" disabled={toChange.length === 0 || preview.preview?.refused.length !== 0} onClick={() => void run(newOutcome(split(entity, toChange, items ?? [])))}>
              {t('apply', { n: n(toChange.length) })}
            </Button>
          )}
          {step === 'run' && !runner.isRunning && <Button onClick={onDone}>{t('close')}</Button>}
        </Space>
      }
    >
      <Steps size="small" responsive={false} current={{ edit: 0, preview: 1, run: 2 }[step]} className="batch-steps" items={[{ title: t('stepEdit') }, { title: t('stepPreview') }, { title: t('stepRun') }]} />
      {batchCount > 1 && step !== 'run' && <Alert type="info" showIcon className="batch-alert" title={t('split', { batches: n(batchCount), size: n(BATCH_SIZE) })} />}
      {preview.error !== undefined && step !== 'run' && <div className="batch-alert"><ErrorNotice error={preview.error} {...(step === 'preview' ? { onRetry: () => void check(preview.ids) } : {})} /></div>}
      {step === 'edit' && (
        <>
          {loadError !== undefined && <div className="batch-alert"><ErrorNotice error={loadError} onRetry={retry} /></div>}
          {!items && loadError === undefined && ids.length >= LOADING_SHOWN_FROM && <Waiting text={t('valuesLoading', { done: n(loaded), total: n(ids.length) })} done={loaded} total={ids.length} />}
          {items && items.length < ids.length && <Alert type="warning" showIcon className="batch-alert" title={t('gone', { n: n(ids.length - items.length) })} />}
          <p className="batch-hint">{t('editHint')}</p>
          {isEmptyNoted && isEmpty && <Alert role="alert" type="warning" showIcon className="batch-alert" title={t('nothingChosen')} />}
          <BatchFields
            entity={entity} isKnown={isKnown} drafts={drafts} options={options} problems={problems} onChange={setDrafts}
            currentOf={(field) => (items ? currentOf(items.map((item) => (item as Record<string, unknown>)[field.member] as Value)) : { kind: 'loading' })}
          />
        </>
      )}
      {step === 'preview' && !preview.preview && preview.error === undefined && <Waiting text={t('checking', { done: n(preview.done), total: n(preview.ids.length) })} done={preview.done} total={preview.ids.length} />}
      {step === 'preview' && preview.preview && <BatchPreview entity={entity} owners={owners} preview={preview.preview} total={preview.ids.length} excluded={excluded} onExclude={setExcluded} onLeaveOut={leaveOut} />}
      {step === 'run' && runner.outcome && <BatchProgress runner={runner} outcome={runner.outcome} onRetry={() => void run(runner.outcome as Outcome)} onUndo={() => void undoDone(runner.outcome as Outcome)} />}
    </Drawer>
  );
}
