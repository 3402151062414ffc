import { EditOutlined, KeyOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { Button, Typography, type Breakpoint } from 'antd';
import type { Schemas } from '../../api/client';
import { EntityTable, listDefaults } from '../../batch/list/table';
import { columnNames, statusNames } from '../../batch/texts';
import { useBatchTexts } from '../../batch/use_batch_texts';
import { keyGroupsQuery, tagsQuery } from '../../batch/change/use_items';
import { GroupList, LimitList, TagList } from '../../batch/values';
import { useTexts } from '../../i18n/language';
import { Status } from './status';

type User = Schemas['User'];

export type OnEdit = (ids: number[], clear: () => void) => void;

// On a phone the most important values are below the name.
export const WIDE: Breakpoint[] = ['md'];
export const ROOMY: Breakpoint[] = ['xxl'];
const KEYS_OF_AT_MOST = 500; // users: the limit of the keys' filter
const defaults = { ...listDefaults, tags: '', keyGroups: '', status: '' };

export function useValueOptions() {
  const { n } = useBatchTexts();
  return (values: Schemas['ValueList'] | undefined) => (values?.items ?? []).map(({ value, count }) => ({ value, label: `${value} (${n(count)})` }));
}

export function useStatusOptions() {
  const name = useTexts(statusNames);
  return (['active', 'expired', 'expiringSoon', 'enabled', 'disabled'] as const).map((value) => ({ value, label: name(value) }));
}

function KeysOf({ user }: { user: User }) {
  const { t, n } = useBatchTexts();
  return (
    <div className="batch-keys">
      {user.keys.map((key) => (
        <div key={key.id} className="batch-key">
          <span>{key.name}</span>
          <code>{key.maskedKey}</code>
          <Status isEnabled={key.isEnabled} expiresAt={key.expiresAt} />
          <GroupList text={key.providerGroup} />
          <LimitList row={key} />
        </div>
      ))}
      {user.keyCount > user.keys.length && <Typography.Text type="secondary">{t('moreKeys', { n: n(user.keyCount - user.keys.length) })}</Typography.Text>}
    </div>
  );
}

export function UsersTable({ onEdit, onKeys }: { onEdit: OnEdit; onKeys: (ids: number[]) => void }) {
  const { t, n, at, fieldName, valueText } = useBatchTexts();
  const column = useTexts(columnNames);
  const options = useValueOptions();
  const statuses = useStatusOptions();
  const tags = useQuery(tagsQuery);
  const groups = useQuery(keyGroupsQuery);
  return (
    <EntityTable<User>
      entity="users"
      defaults={defaults}
      hint={t('searchUsers')}
      emptyText={t('emptyUsers')}
      filters={[
        { name: 'tags', label: t('filterTags'), isMultiple: true, options: options(tags.data) },
        { name: 'keyGroups', label: t('filterGroups'), isMultiple: true, options: options(groups.data) },
        { name: 'status', label: t('filterStatus'), options: statuses },
      ]}
      expandable={{ expandedRowRender: (user) => <KeysOf user={user} />, rowExpandable: (user) => user.keyCount > 0 }}
      columns={[
        {
          title: column('name'), key: 'name', sorter: true,
          render: (_, row) => (
            <div className="batch-name">
              <span>{row.name}</span>
              {row.note && <Typography.Text type="secondary">{row.note}</Typography.Text>}
              <div className="batch-narrow"><Status isEnabled={row.isEnabled} expiresAt={row.expiresAt} /><TagList values={row.tags} /><LimitList row={row} /></div>
            </div>
          ),
        },
        { title: column('status'), key: 'status', width: 110, responsive: WIDE, render: (_, row) => <Status isEnabled={row.isEnabled} expiresAt={row.expiresAt} /> },
        { title: column('tags'), key: 'tags', width: 140, responsive: WIDE, render: (_, row) => <TagList values={row.tags} /> },
        { title: column('groups'), key: 'groups', width: 110, responsive: WIDE, render: (_, row) => <GroupList text={row.providerGroup} /> },
        { title: column('keyCount'), key: 'keyCount', align: 'right', width: 70, responsive: WIDE, render: (_, row) => n(row.keyCount) },
        { title: <abbr title={fieldName('rpm')}>RPM</abbr>, key: 'rpm', sorter: true, align: 'right', width: 80, responsive: WIDE, render: (_, row) => valueText('rpm', row.rpm) },
        { title: column('limits'), key: 'limits', width: 150, responsive: WIDE, render: (_, row) => <LimitList row={row} /> },
        { title: column('expiresAt'), key: 'expiresAt', sorter: true, width: 150, responsive: WIDE, render: (_, row) => (row.expiresAt ? at(row.expiresAt) : t('never')) },
        { title: column('createdAt'), key: 'createdAt', sorter: true, width: 170, responsive: ROOMY, render: (_, row) => (row.createdAt ? at(row.createdAt) : '') },
      ]}
      actions={(ids, clear) => (
        <>
          <Button type="primary" icon={<EditOutlined />} onClick={() => onEdit(ids, clear)}>{t('edit')}</Button>
          <Button icon={<KeyOutlined />} disabled={ids.length > KEYS_OF_AT_MOST} onClick={() => onKeys(ids)}>{t('showKeys')}</Button>
        </>
      )}
    />
  );
}
