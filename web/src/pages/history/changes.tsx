// The values of an entry: before and after side by side, or the only recorded side.

import { Checkbox, Collapse, Flex, Table, Typography } from 'antd';
import { useMemo, useState } from 'react';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { compare, type FieldChange, type Json } from './compare';
import { texts } from './texts';
import { Path, Value } from './values';

const PAGE = 50;
// The field of a value. Only rows of batches have fields that the pages name.
function fieldOf({ path }: FieldChange): string {
  const last = path.at(-1);
  return typeof last === 'string' && path.some((step) => typeof step !== 'string') ? last : '';
}

// Members that describe the record, not the action.
const isOwnMember = ({ path }: FieldChange) => path.length === 1 && path[0] === 'group';
const isThere = (side: Json) => side !== null && side !== undefined;

export function Changes({ before, after }: { before: Json; after: Json }) {
  const t = useTexts(texts);
  const format = useFormat();
  const [showsSame, setShowsSame] = useState(false);
  const all = useMemo(() => compare(before, after).filter((change) => !isOwnMember(change)), [before, after]);
  const hasBoth = isThere(before) && isThere(after);
  const same = all.filter((change) => change.isSame).length;
  const rows = showsSame ? all : all.filter((change) => !change.isSame);
  if (!isThere(before) && !isThere(after)) return <Typography.Text type="secondary">{t('noValues')}</Typography.Text>;
  const raw = JSON.stringify(hasBoth ? { before, after } : (after ?? before), null, 2);
  return (
    <Flex vertical gap="small">
      {same > 0 && (
        <Checkbox checked={showsSame} onChange={(event) => setShowsSame(event.target.checked)}>{t('showSame', { n: format.number(same) })}</Checkbox>
      )}
      <Table<FieldChange>
        size="small" dataSource={rows.map((row, index) => ({ ...row, key: index }))} tableLayout="fixed"
        pagination={rows.length > PAGE ? { pageSize: PAGE, showSizeChanger: false, size: 'small' } : false}
        locale={{ emptyText: t('noChange') }}
        columns={[
          { title: t('field'), key: 'field', render: (_, { path }) => <span className="history-value"><Path path={path} /></span> },
          ...(isThere(before)
            ? [{ title: hasBoth ? t('before') : t('value'), key: 'before', render: (_: unknown, change: FieldChange) => <Value field={fieldOf(change)} value={change.before} /> }]
            : []),
          ...(isThere(after)
            ? [{ title: hasBoth ? t('after') : t('value'), key: 'after', render: (_: unknown, change: FieldChange) => <Value field={fieldOf(change)} value={change.after} /> }]
            : []),
        ]}
      />
      <Collapse size="small" items={[{ key: 'raw', label: t('raw'), children: <pre className="history-raw" tabIndex={0}>{raw}</pre> }]} />
    </Flex>
  );
}
