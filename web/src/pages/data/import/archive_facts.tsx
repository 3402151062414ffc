// Facts about an archive, from its first megabytes, which the service has checked.

import { Alert, Collapse, Descriptions, Flex, Tag } from 'antd';
import type { Schemas } from '../../../api/client';
import { request } from '../../../api/client';
import { useFormat } from '../../../i18n/format';
import { useTexts } from '../../../i18n/language';
import { hubLevelText } from '../hub_level';
import { texts } from '../texts';

export type Inspection = Schemas['Inspection'];

const FIRST_BYTES = 256 * 1024; // any proxy accepts this

// Sends the beginning of the file, and more while the service asks for it.
export async function inspect(file: File, signal: AbortSignal): Promise<Inspection> {
  let bytes = Math.min(FIRST_BYTES, file.size);
  for (;;) {
    const response = await request(`/api/admin/database/import:inspect?fileSize=${file.size}`, {
      method: 'POST', body: file.slice(0, bytes), headers: { 'Content-Type': 'application/octet-stream' }, signal,
    });
    const found = (await response.json()) as Inspection;
    if (found.complete || found.needsMoreBytes === null || found.needsMoreBytes <= bytes) return found;
    bytes = Math.min(found.needsMoreBytes, file.size);
  }
}

export function ArchiveFacts({ file, inspection }: { file: File; inspection: Inspection }) {
  const t = useTexts(texts);
  const format = useFormat();
  const logs = inspection.hasLogs === null ? t('unknown') : t(inspection.hasLogs ? 'logsIn' : 'logsOut');
  return (
    <Flex vertical gap="small">
      <Descriptions
        size="small" column={{ xs: 1, sm: 2 }}
        items={[
          { label: t('file'), children: <span className="technical-name">{file.name}</span> },
          { label: t('size'), children: format.bytes(file.size) },
          { label: t('from'), children: t('fromText', { database: inspection.database ?? t('unknown'), version: inspection.serverVersion ?? t('unknown') }) },
          { label: t('created'), children: inspection.created ? format.dateTime(inspection.created) : t('unknown') },
          { label: t('format'), children: t('formatText', { version: inspection.formatVersion ?? t('unknown'), compression: inspection.compression ?? t('unknown') }) },
          { label: t('logs'), children: logs },
          ...(inspection.hubLevel === null ? [] : [{ label: t('hubLevel'), children: hubLevelText(inspection.hubLevel, t) }]),
        ]}
      />
      {inspection.warnings.length > 0 && (
        <Alert type="warning" showIcon title={t('warnings', { n: inspection.warnings.length })} description={<ul className="problems">{inspection.warnings.map((one) => <li key={one}>{one}</li>)}</ul>} />
      )}
      <Collapse
        size="small"
        items={[{
          key: 'tables', label: t('tableList', { n: inspection.tables.length }),
          children: <Flex wrap gap={4}>{inspection.tables.map(({ schema, name, hasData }) => <Tag key={`${schema}.${name}`} variant={hasData ? 'filled' : 'outlined'}>{schema === 'public' ? name : `${schema}.${name}`}</Tag>)}</Flex>,
        }]}
      />
    </Flex>
  );
}
