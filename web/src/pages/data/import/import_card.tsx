// An import, from choosing a file to the final report. Nothing in the database changes before "start".

import { InboxOutlined } from '@ant-design/icons';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Card, Checkbox, Flex, Input, Modal, Progress, Typography, Upload } from 'antd';
import { useEffect, useRef, useState } from 'react';
import type { ProgressEvent } from '../../../api/events';
import { ErrorNotice, Loading } from '../../../components/page';
import { useFormat } from '../../../i18n/format';
import { useTexts } from '../../../i18n/language';
import { BrokenStream, useEventRun } from '../../../lib/use_event_run';
import { importRun } from '../applied';
import { ArchiveFacts, inspect, type Inspection } from './archive_facts';
import { ImportChoices, defaultChoices, importRequest, type Choices } from './import_choices';
import { ImportOutcome, type ImportEvent } from './import_outcome';
import { PreviewReport, type Preview } from './preview_report';
import { KeptUploads, type KeptUpload } from '../uploads/kept_uploads';
import { Losses, lossesOf, Trust } from './losses';
import { OperationLog, OperationProgress, Outcome } from '../progress';
import { statusKey, uploadsKey, useStatus } from '../queries';
import { texts } from '../texts';
import { useUpload, type UploadState } from '../uploads/use_upload';

type PreviewEvent = ProgressEvent & { preview?: Preview };

const json = (body: object): RequestInit => ({ method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' } });

function Chooser({ onChoose, onChooseUpload }: { onChoose: (file: File) => void; onChooseUpload: (upload: KeptUpload) => void }) {
  const t = useTexts(texts);
  const format = useFormat();
  const limit = useStatus().data?.maxUploadBytes;
  const [problem, setProblem] = useState<string | null>(null);
  const take = (file: File) => {
    const found = !file.name.endsWith('.dump') ? t('wrongName')
      : limit !== undefined && file.size > limit ? t('tooLarge', { size: format.bytesOver(file.size, limit), limit: format.bytes(limit) }) : null;
    setProblem(found);
    if (!found) onChoose(file);
    return false; // do not send it yet
  };
  return (
    <Flex vertical gap="small">
      <Upload.Dragger accept=".dump" showUploadList={false} beforeUpload={take}>
        <p className="ant-upload-drag-icon"><InboxOutlined /></p>
        <p>{t('drop')}</p>
        <Typography.Text type="secondary">{t('dropHint', { size: limit === undefined ? '…' : format.bytes(limit) })}</Typography.Text>
      </Upload.Dragger>
      {problem && <Alert type="error" showIcon role="alert" title={problem} />}
      <KeptUploads onChoose={onChooseUpload} />
    </Flex>
  );
}

// `onPause`, `onCancel` undefined: an import follows the upload, and ends it too.
function UploadProgress({ upload, size, onPause, onResume, onCancel }: {
  upload: UploadState; size: number; onPause?: (() => void) | undefined; onResume: () => void; onCancel?: (() => void) | undefined;
}) {
  const t = useTexts(texts);
  const format = useFormat();
  const values = { n: format.bytes(upload.sent), total: format.bytes(size), speed: format.bytes(upload.bytesPerSecond) };
  const isPaused = upload.state !== 'running';
  return (
    <Flex vertical gap="small">
      {upload.state === 'failed' && upload.limit === null && <ErrorNotice error={upload.error} />}
      {upload.limit !== null && (upload.state === 'failed'
        ? <Alert type="error" showIcon role="alert" title={t('proxyLimitReached', { n: format.bytes(upload.limit) })} />
        : <Alert type="info" showIcon title={t('proxyLimit', { n: format.bytes(upload.limit) })} />)}
      <Flex justify="space-between" align="center" gap="small" wrap>
        <Typography.Text strong>{t('uploading')}</Typography.Text>
        <Flex gap="small">
          {isPaused ? <Button onClick={onResume}>{t('resume')}</Button> : onPause && <Button onClick={onPause}>{t('pause')}</Button>}
          {onCancel && <Button onClick={onCancel}>{t('cancel')}</Button>}
        </Flex>
      </Flex>
      <Progress percent={Math.floor((upload.sent / Math.max(size, 1)) * 100)} status={upload.state === 'failed' ? 'exception' : 'active'} aria-label={t('uploading')} />
      <Typography.Text type="secondary" className="numbers">{t(isPaused ? 'uploadPaused' : 'uploadText', values)}</Typography.Text>
    </Flex>
  );
}

// Overwriting asks for the database's name.
function ConfirmOverwrite({ database, isOpen, onConfirm, onCancel }: { database: string; isOpen: boolean; onConfirm: () => void; onCancel: () => void }) {
  const t = useTexts(texts);
  const [typed, setTyped] = useState('');
  useEffect(() => setTyped(''), [isOpen]);
  const isRight = typed === database;
  return (
    <Modal
      open={isOpen} title={t('startOverwrite')} okText={t('startOverwrite')} onOk={onConfirm} onCancel={onCancel}
      okButtonProps={{ danger: true, disabled: !isRight }}
    >
      <Flex vertical gap="small">
        <label htmlFor="database-name">{t('typeName', { database })}</label>
        <Input id="database-name" value={typed} onChange={(event) => setTyped(event.target.value)} onPressEnter={() => isRight && onConfirm()} autoComplete="off" autoFocus />
      </Flex>
    </Modal>
  );
}

// `undoneAt`: the time of an undo on this page, in milliseconds; 0: none.
export function ImportCard({ undoneAt, onBusy }: { undoneAt: number; onBusy: (kinds: string[]) => void }) {
  const t = useTexts(texts);
  const queries = useQueryClient();
  const status = useStatus().data;
  const [file, setFile] = useState<File | null>(null);
  const [kept, setKept] = useState<KeptUpload | null>(null); // in place of a file
  const [choices, setChoices] = useState<Choices>(defaultChoices);
  const [compares, setCompares] = useState(true);
  const [accepted, setAccepted] = useState<ReadonlySet<string>>(new Set()); // accepted losses
  const [isConfirming, setConfirming] = useState(false);
  const inspection = useRef<AbortController | null>(null);
  const checked = useMutation<Inspection, Error, File>({
    mutationFn: (chosen) => {
      inspection.current = new AbortController();
      return inspect(chosen, inspection.current.signal);
    },
  });
  const { upload, start: startUpload, adopt, pause, resume, cancel: cancelUpload } = useUpload();
  const preview = useEventRun<PreviewEvent>();
  const work = useEventRun<ImportEvent>(importRun);
  useEffect(work.recall, [work.recall]);

  const isWorking = work.run.state === 'running' || work.run.state === 'broken';
  const isPreviewing = preview.run.state === 'running' || preview.run.state === 'broken';
  const isUploading = upload.state === 'running' || upload.state === 'paused' || upload.state === 'failed';
  useEffect(() => onBusy([...(isWorking || upload.state === 'running' ? ['import'] : []), ...(isPreviewing ? ['preview'] : [])]), [isWorking, isPreviewing, upload.state, onBusy]);
  useEffect(() => {
    if (work.run.state === 'ended') void queries.invalidateQueries();
  }, [queries, work.run.state]);
  useEffect(() => {
    if (preview.run.state !== 'ended') return;
    void queries.invalidateQueries({ queryKey: statusKey }); // the lock is free again
    void queries.invalidateQueries({ queryKey: uploadsKey }); // it may be marked as damaged
  }, [queries, preview.run.state]);

  const choose = (chosen: File) => {
    setFile(chosen);
    setChoices(defaultChoices);
    checked.mutate(chosen);
  };
  const chooseUpload = (chosen: KeptUpload) => {
    setKept(chosen);
    setChoices(defaultChoices);
    adopt(chosen.id, chosen.offset);
  };
  const forget = () => {
    inspection.current?.abort();
    cancelUpload();
    preview.reset();
    work.reset();
    checked.reset();
    setFile(null);
    setKept(null);
    setAccepted(new Set());
    void queries.invalidateQueries({ queryKey: uploadsKey });
  };
  const change = (next: Choices) => {
    preview.reset(); // it was for other choices
    setAccepted(new Set());
    setChoices(next);
  };
  const runPreview = (id: string) => void preview.follow({ url: '/api/admin/database/import:preview', ...json(importRequest(choices, id)) });
  const runImport = () => {
    setConfirming(false);
    // Covers tables other than the log. Without this consent the service refuses such an archive.
    const allowsIncomplete = losses.some((loss) => !loss.isLog && accepted.has(loss.name));
    const follow = (id: string, whileUploading: boolean) => void work.follow({
      url: '/api/admin/database/import', ...json(importRequest(choices, id, { allowIncomplete: allowsIncomplete, whileUploading })),
    });
    if (upload.state === 'complete') follow(upload.id!, false);
    else startUpload(file!, { begin: (id) => follow(id, true) });
  };
  const cancelImport = () => {
    void work.cancel();
    if (isUploading) cancelUpload();
  };

  const shown = preview.run.last?.preview;
  // An overwrite by swap need not wait for the upload.
  const followsUpload = upload.state === 'idle' && file !== null && checked.data !== undefined && choices.mode === 'overwrite' && !compares && status?.importMethod === 'swap';
  const isReady = followsUpload || (upload.state === 'complete' && !isPreviewing && (compares ? shown !== undefined : true));
  const losses = isReady ? lossesOf({ choices, inspection: checked.data ?? null, preview: shown ?? null, logRows: status?.logRows ?? null }) : [];
  const mayStart = losses.every((loss) => accepted.has(loss.name));
  const afterUpload = (id: string) => compares && runPreview(id);
  const isBlocked = status?.operation.running === true;
  const database = status?.databaseName ?? '';
  // Until the import begins.
  const preparation = () => {
    if (!file && !kept) return <Chooser onChoose={choose} onChooseUpload={chooseUpload} />;
    if (checked.isError) return <><ErrorNotice error={checked.error} /><Button className="start" onClick={forget}>{t('another')}</Button></>;
    if (file && !checked.data) return <><Typography.Text role="status">{t('inspecting')}</Typography.Text><Loading rows={2} /></>;
    return (
      <>
        {file && checked.data ? <ArchiveFacts file={file} inspection={checked.data} /> : <Typography.Text className="technical-name">{kept?.fileName}</Typography.Text>}
        <ImportChoices inspection={checked.data ?? null} choices={choices} disabled={isUploading || isPreviewing} onChange={change} />
        {isUploading && file && <UploadProgress upload={upload} size={file.size} onPause={pause} onResume={resume} onCancel={cancelUpload} />}
        {isPreviewing && (
          <OperationProgress title={t('previewing')} event={preview.run.latest} startedAt={preview.run.startedAt} actions={<Button onClick={preview.reset}>{t('cancel')}</Button>} />
        )}
        {preview.run.state === 'ended' && !shown && (
          preview.run.last ? <Outcome type="error" title={t('previewFailed')} details={preview.run.last.message} />
            : preview.run.error instanceof BrokenStream ? <Outcome type="warning" title={t('previewBroken')} /> : <ErrorNotice error={preview.run.error} />
        )}
        {shown && <PreviewReport preview={shown} />}
        <Checkbox disabled={isUploading || isPreviewing || shown !== undefined} checked={compares} onChange={(event) => setCompares(event.target.checked)}>{t('compares')}</Checkbox>
        {choices.mode === 'overwrite' && file && status?.importMethod === 'swap' && <Typography.Text type="secondary">{t('whileUploadingHint')}</Typography.Text>}
        {isReady && <Trust />}
        <Losses losses={losses} accepted={accepted} onAccept={setAccepted} />
        <Flex gap="small" wrap align="center">
          {upload.state === 'idle' && file && !followsUpload && <Button type="primary" onClick={() => startUpload(file, { complete: afterUpload })}>{t(compares ? 'uploadAndPreview' : 'uploadOnly')}</Button>}
          {upload.state === 'complete' && compares && !shown && !isPreviewing && <Button type="primary" disabled={isBlocked} onClick={() => runPreview(upload.id!)}>{t('previewAgain')}</Button>}
          {isReady && choices.mode === 'merge' && <Button type="primary" disabled={isBlocked || !mayStart} onClick={runImport}>{t('start')}</Button>}
          {isReady && choices.mode === 'overwrite' && <Button type="primary" danger disabled={isBlocked || !mayStart} onClick={() => setConfirming(true)}>{t(followsUpload ? 'overwriteWhileUploading' : 'startOverwrite')}</Button>}
          {!isUploading && !isPreviewing && <Button onClick={forget}>{t('another')}</Button>}
          {isReady && !mayStart && <Typography.Text type="secondary">{t('agreeFirst')}</Typography.Text>}
          {isBlocked && !isPreviewing && <Typography.Text type="secondary">{t('busy')}</Typography.Text>}
        </Flex>
      </>
    );
  };
  const content = () => {
    if (work.run.state === 'idle') return preparation();
    return (
      <>
        {file && checked.data && <ArchiveFacts file={file} inspection={checked.data} />}
        {isUploading && file && (
          <UploadProgress upload={upload} size={file.size} onPause={isWorking ? undefined : pause} onResume={resume} onCancel={isWorking ? undefined : cancelUpload} />
        )}
        {isWorking && (
          <OperationProgress
            title={t('importing')} event={work.run.latest} startedAt={work.run.startedAt}
            note={work.run.state === 'broken' ? t('broken') : t(isUploading ? 'whileUploadingCancelHint' : 'importCancelHint')}
            actions={<Button danger disabled={work.run.state === 'broken'} onClick={cancelImport}>{t('cancelImport')}</Button>}
          />
        )}
        {work.run.state === 'ended' && <ImportOutcome run={work.run} isUndone={undoneAt > work.run.endedAt} />}
        <OperationLog log={work.run.log} />
        {work.run.state === 'ended' && (
          <Flex gap="small" wrap>
            {work.run.last?.type !== 'complete' && upload.state === 'complete' && <Button onClick={work.reset}>{t('previewAgain')}</Button>}
            <Button type="primary" onClick={forget}>{t('again')}</Button>
          </Flex>
        )}
      </>
    );
  };
  return (
    <Card id="import" title={<h2 className="card-title">{t('import')}</h2>}>
      <Flex vertical gap="middle">{content()}</Flex>
      <ConfirmOverwrite database={database} isOpen={isConfirming} onConfirm={runImport} onCancel={() => setConfirming(false)} />
    </Card>
  );
}
