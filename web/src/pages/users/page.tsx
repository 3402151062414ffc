// Users and their keys: searching and bulk edits.

import { Tabs } from 'antd';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { BatchDrawer } from '../../batch/change/drawer';
import type { Entity } from '../../batch/model';
import { useBatchTexts } from '../../batch/use_batch_texts';
import { Page } from '../../components/page';
import { KeysTable } from './keys_table';
import { UsersTable } from './users_table';

interface Editing {
  entity: Entity;
  ids: number[];
  clear: () => void;
}

export default function UsersPage() {
  const { t } = useBatchTexts();
  const [params, setParams] = useSearchParams();
  const [editing, setEditing] = useState<Editing>();
  const tab = params.get('tab') === 'keys' ? 'keys' : 'users';
  // The filters of one list do not apply to the other.
  const show = (next: string, filters: Record<string, string> = {}) => setParams(next === 'keys' ? { tab: 'keys', ...filters } : {});
  const onEdit = (entity: Entity) => (ids: number[], clear: () => void) => setEditing({ entity, ids, clear });
  return (
    <Page title={t('usersAndKeys')}>
      <Tabs
        activeKey={tab} onChange={(key) => show(key)} destroyOnHidden className="batch-tabs"
        items={[
          { key: 'users', label: t('users'), children: <UsersTable onEdit={onEdit('users')} onKeys={(ids) => show('keys', { userId: ids.join(',') })} /> },
          { key: 'keys', label: t('keys'), children: <KeysTable onEdit={onEdit('keys')} /> },
        ]}
      />
      {editing && <BatchDrawer entity={editing.entity} ids={editing.ids} onClose={() => setEditing(undefined)} onDone={() => { setEditing(undefined); editing.clear(); }} />}
    </Page>
  );
}
