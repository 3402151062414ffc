import { EditOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Button, Typography } from 'antd';
import type { Schemas } from '../../api/client';
import { EntityTable, listDefaults } from '../../batch/list/table';
import { columnNames } from '../../batch/texts';
import { useBatchTexts } from '../../batch/use_batch_texts';
import { keyGroupsQuery, tagsQuery } from '../../batch/change/use_items';
import { GroupList, LimitList } from '../../batch/values';
import { useTexts } from '../../i18n/language';
import { Status } from './status';
import { useStatusOptions, useValueOptions, ROOMY, WIDE, type OnEdit } from './users_table';

type Key = Schemas['Key'];

const defaults = { ...listDefaults, userId: '', groups: '', tags: '', status: '', canLoginWebUi: '' };

export function KeysTable({ onEdit }: { onEdit: OnEdit }) {
  const { t, at, fieldName } = useBatchTexts();
  const column = useTexts(columnNames);
  const options = useValueOptions();
  const statuses = useStatusOptions();
  const groups = useQuery(keyGroupsQuery);
  const tags = useQuery(tagsQuery);
  const user = (row: Key) => row.userName ?? <Typography.Text type="secondary">{t('deletedUser')}</Typography.Text>;
  return (
    <EntityTable<Key>
      entity="keys"
      defaults={defaults}
      hint={t('searchKeys')}
      emptyText={t('emptyKeys')}
      filters={[
        { name: 'userId', label: t('filterUserId'), isMultiple: true, options: [] },
        { name: 'groups', label: t('filterGroups'), isMultiple: true, options: options(groups.data) },
        { name: 'tags', label: t('filterUserTags'), isMultiple: true, options: options(tags.data) },
        { name: 'status', label: t('filterStatus'), options: statuses },
        { name: 'canLoginWebUi', label: t('filterWebUi'), options: [{ value: 'true', label: t('yes') }, { value: 'false', label: t('no') }] },
      ]}
      columns={[
        {
          title: column('name'), key: 'name', sorter: true,
          render: (_, row) => (
            <div className="batch-name">
              <span>{row.name}</span>
              <code>{row.maskedKey}</code>
              <div className="batch-narrow">{user(row)}<Status isEnabled={row.isEnabled} expiresAt={row.expiresAt} /><GroupList text={row.providerGroup} /><LimitList row={row} /></div>
            </div>
          ),
        },
        { title: column('user'), key: 'userName', sorter: true, width: 150, responsive: WIDE, render: (_, row) => user(row) },
        { title: column('status'), key: 'status', width: 110, responsive: WIDE, render: (_, row) => <Status isEnabled={row.isEnabled} expiresAt={row.expiresAt} /> },
        { title: column('groups'), key: 'providerGroup', sorter: true, width: 150, responsive: WIDE, render: (_, row) => <GroupList text={row.providerGroup} /> },
        { title: fieldName('canLoginWebUi'), key: 'canLoginWebUi', width: 120, responsive: WIDE, render: (_, row) => t(row.canLoginWebUi ? 'yes' : 'no') },
        { title: column('limits'), key: 'limits', width: 150, responsive: WIDE, render: (_, row) => <LimitList row={row} /> },
        { title: column('expiresAt'), key: 'expiresAt', sorter: true, width: 150, responsive: WIDE, render: (_, row) => (row.expiresAt ? at(row.expiresAt) : t('never')) },
        { title: column('createdAt'), key: 'createdAt', sorter: true, width: 170, responsive: ROOMY, render: (_, row) => (row.createdAt ? at(row.createdAt) : '') },
      ]}
      actions={(ids, clear) => <Button type="primary" icon={<EditOutlined />} onClick={() => onEdit(ids, clear)}>{t('edit')}</Button>}
    />
  );
}
