// Uploaded archives that are still kept: they need not be sent again. The one that the address names (`upload`) is chosen at once:
// the page of backups has brought it here.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { App, Button, Flex, Tag, Typography } from 'antd';
import { useEffect } from 'react';
import { api, dataOf, type Schemas } from '../../../api/client';
import { useFormat } from '../../../i18n/format';
import { useTexts } from '../../../i18n/language';
import { useUrlState } from '../../../lib/use_url_state';
import { uploadsKey } from '../queries';
import { texts } from '../texts';

export type KeptUpload = Schemas['Upload'];

export function KeptUploads({ onChoose }: { onChoose: (upload: KeptUpload) => void }) {
  const t = useTexts(texts);
  const format = useFormat();
  const queries = useQueryClient();
  const { message } = App.useApp();
  const { data } = useQuery({ queryKey: uploadsKey, queryFn: () => dataOf(api.GET('/api/admin/database/uploads')) });
  const remove = useMutation({
    mutationFn: (id: string) => api.DELETE('/api/admin/database/uploads/{id}', { params: { path: { id }, header: { 'Tus-Resumable': '1.0.0' } } }),
    onError: (error) => void message.error(error.message),
    onSettled: () => queries.invalidateQueries({ queryKey: uploadsKey }),
  });
  const [{ upload: wanted }, setWanted] = useUrlState({ upload: '' });
  const found = data?.uploads.find(({ id, isComplete, problem }) => id === wanted && isComplete && problem === null);
  useEffect(() => {
    if (!found) return;
    setWanted({ upload: '' });
    onChoose(found);
    document.getElementById('import')?.scrollIntoView();
    // Once for each that is wanted.
  }, [found?.id]);
  if (!data || data.uploads.length === 0) return null;
  const size = ({ isComplete, offset, length }: KeptUpload) =>
    isComplete ? format.bytes(offset) : t('uploadPart', { n: format.bytes(offset), total: length === null ? t('unknown') : format.bytes(length) });
  return (
    <Flex vertical gap="small">
      <h3 className="part-title">{t('uploads')}</h3>
      {data.uploads.map((upload) => (
        <Flex key={upload.id} wrap justify="space-between" align="center" gap="small">
          <div>
            <span className="technical-name">{upload.fileName}</span>
            {upload.problem !== null && <div><Tag color="error">{t('uploadDamaged')}</Tag></div>}
            <div><Typography.Text type="secondary" className="numbers">{size(upload)} · {t('uploadKept', { until: format.dateTime(upload.expiresAt) })}</Typography.Text></div>
          </div>
          <Flex gap="small">
            {upload.isComplete && upload.problem === null && <Button size="small" disabled={upload.isInUse} onClick={() => onChoose(upload)}>{t('useUpload')}</Button>}
            <Button size="small" danger disabled={upload.isInUse} onClick={() => remove.mutate(upload.id)} aria-label={t('removeUpload', { file: upload.fileName })}>{t('drop1')}</Button>
          </Flex>
        </Flex>
      ))}
    </Flex>
  );
}
