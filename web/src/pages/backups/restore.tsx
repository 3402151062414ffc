// Brings a backup from its destination into a kept upload, which the import on the page Data takes.

import { useQueryClient } from '@tanstack/react-query';
import { Alert, Flex, Form, Input, Modal, Progress, Typography } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useNavigate } from 'react-router';
import { ApiError, type Schemas } from '../../api/client';
import { requestEvents, type ProgressEvent } from '../../api/events';
import { ErrorNotice } from '../../components/page';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { uploadsKey } from '../data/queries';
import type { Backup } from './queries';
import { texts } from './texts';

type FetchEvent = Schemas['BackupFetchEvent'] & ProgressEvent;

export function RestoreDialog({ backup, onClose }: { backup: Backup; onClose: () => void }) {
  const t = useTexts(texts);
  const format = useFormat();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [identity, setIdentity] = useState('');
  const [progress, setProgress] = useState<FetchEvent | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isRunning, setRunning] = useState(false);
  const controller = useRef<AbortController | null>(null);
  useEffect(() => () => controller.current?.abort(), []); // the service discards what has arrived

  const start = async () => {
    controller.current = new AbortController();
    const { signal } = controller.current;
    setRunning(true);
    setError(null);
    setProgress(null);
    try {
      const body = JSON.stringify(backup.isEncrypted ? { identity: identity.trim() } : {});
      const init = { method: 'POST', body, headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' }, signal };
      for await (const event of requestEvents<FetchEvent>(`/api/admin/backups/${backup.id}/fetch`, init)) {
        if (event.type === 'error') throw new ApiError(200, event.errorCode ?? '', event.message, event.details ?? null);
        setProgress(event);
        if (event.type !== 'complete') continue;
        await queries.invalidateQueries({ queryKey: uploadsKey });
        return void navigate(`/settings/data?upload=${encodeURIComponent(event.uploadId!)}`);
      }
      throw new ApiError(0, 'network', t('fetchFailed'));
    } catch (problem) {
      if (!signal.aborted) setError(problem);
    }
    setRunning(false);
    return undefined;
  };
  const { bytes = 0, bytesTotal = backup.bytes } = progress ?? {};
  return (
    <Modal
      open title={t('restoreTitle')} onCancel={onClose} mask={{ closable: !isRunning }} cancelText={t('cancel')} okText={t('fetch')} onOk={() => void start()}
      okButtonProps={{ loading: isRunning, disabled: backup.isEncrypted && identity.trim() === '' }}
    >
      <Flex vertical gap="middle">
        {(backup.state === 'damaged' || backup.state === 'missing') && <Alert type="warning" showIcon title={t('restoreDamaged')} />}
        <Typography.Text className="backup-text">{t('restoreText', { name: backup.name, destination: backup.destination ?? '', size: format.bytes(backup.bytes) })}</Typography.Text>
        {backup.isEncrypted && (
          <Form layout="vertical">
            <Form.Item label={t('secretKey')} extra={t('secretKeyHint')} htmlFor="restore-key">
              <Input.Password id="restore-key" autoComplete="off" disabled={isRunning} value={identity} onChange={(event) => setIdentity(event.target.value)} />
            </Form.Item>
          </Form>
        )}
        {isRunning && (
          <div>
            <Progress percent={Math.floor((bytes / Math.max(1, bytesTotal)) * 100)} status="active" aria-label={t('fetching')} />
            <Typography.Text type="secondary" className="numbers">{t('fact', { name: t('fetching') })}{t('fetchText', { n: format.bytes(bytes), total: format.bytes(bytesTotal) })}</Typography.Text>
          </div>
        )}
        {error !== null && <ErrorNotice error={error} />}
      </Flex>
    </Modal>
  );
}
