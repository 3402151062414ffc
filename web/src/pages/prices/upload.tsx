// A price table from a file: chosen, compared, reviewed, applied.

import { InboxOutlined } from '@ant-design/icons';
import { Alert, Button, Flex, Radio, Typography, Upload } from 'antd';
import { useState } from 'react';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { MAX_FILE_BYTES, uploadPrices } from './api';
import { Review } from './review/review';
import { texts } from './texts';

let fileCount = 0;

interface Chosen {
  file: File;
  number: number; // distinguishes files of the same name
}

export function UploadDrawer({ onClose }: { onClose: () => void }) {
  const t = useTexts(texts);
  const { bytes } = useFormat();
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [source, setSource] = useState<'litellm' | 'manual'>('litellm');
  const [tooLarge, setTooLarge] = useState<File | null>(null);
  const take = (file: File) => {
    const isGood = file.size <= MAX_FILE_BYTES;
    setTooLarge(isGood ? null : file);
    if (isGood) setChosen({ file, number: ++fileCount });
    return Upload.LIST_IGNORE; // the review sends it
  };
  const top = (
    <Flex vertical gap="middle">
      {tooLarge && <Alert type="error" showIcon role="alert" title={t('fileTooLarge', { name: tooLarge.name, size: bytes(tooLarge.size) })} />}
      {!chosen && (
        <Upload.Dragger accept=".json,.toml,application/json,application/toml" beforeUpload={take} showUploadList={false} maxCount={1}>
          <p className="ant-upload-drag-icon"><InboxOutlined /></p>
          <p className="ant-upload-text">{t('drop')}</p>
          <p className="ant-upload-hint">{t('dropHint')}</p>
        </Upload.Dragger>
      )}
      {chosen && (
        <Flex wrap gap="small" align="center" justify="space-between">
          <Typography.Text strong className="model-name">{chosen.file.name} ({bytes(chosen.file.size)})</Typography.Text>
          <Button size="small" onClick={() => setChosen(null)}>{t('otherFile')}</Button>
        </Flex>
      )}
      <fieldset className="plain-fieldset">
        <legend>{t('asWhat')}</legend>
        <Radio.Group value={source} onChange={(event) => setSource(event.target.value as typeof source)} vertical
          options={[{ value: 'litellm', label: t('asCloud') }, { value: 'manual', label: t('asManual') }]} />
      </fieldset>
    </Flex>
  );
  return (
    <Review
      title={t('uploadTitle')} top={top} waiting={t('reading', { name: chosen?.file.name ?? '' })} onClose={onClose}
      compareKey={['upload', chosen?.number, source]}
      compare={chosen && ((signal) => uploadPrices(chosen.file, { source, dryRun: true }, signal))}
      apply={(report, overwriteManual, leaveOut) => uploadPrices(chosen!.file, { source, dryRun: false, overwriteManual, leaveOut, expectedState: report.state })}
    />
  );
}
