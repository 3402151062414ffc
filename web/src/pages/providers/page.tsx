// Providers: searching, bulk edits, deleting, and circuit breakers.

import { DeleteOutlined, EditOutlined, MoreOutlined, ReloadOutlined } from '@ant-design/icons';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Dropdown, Tag, Typography, type Breakpoint } from 'antd';
import { useState } from 'react';
import { api, dataOf, type Schemas } from '../../api/client';
import { CircuitState } from '../../batch/list/circuit_state';
import { BatchDrawer } from '../../batch/change/drawer';
import { EntityTable, listDefaults } from '../../batch/list/table';
import { circuitNames, columnNames } from '../../batch/texts';
import { useBatchTexts } from '../../batch/use_batch_texts';
import { providerGroupsQuery, providerTypesQuery } from '../../batch/change/use_items';
import { useProviderActions } from '../../batch/change/use_provider_actions';
import { GroupList } from '../../batch/values';
import { ErrorNotice, Page, Technical } from '../../components/page';
import { useTexts } from '../../i18n/language';

type Provider = Schemas['Provider'];

const HEALTH_MS = 10_000;
const HEALTH_KEY = ['health'];
const defaults = { ...listDefaults, providerType: '', groups: '', enabled: '', circuitState: '' };
// On a phone the most important values are below the name.
const WIDE: Breakpoint[] = ['md'];
const STATES = ['closed', 'open', 'half-open', 'resettable'] as const;

export default function ProvidersPage() {
  const { t, n, amount, fieldName } = useBatchTexts();
  const column = useTexts(columnNames);
  const circuitName = useTexts(circuitNames);
  const queries = useQueryClient();
  const [editing, setEditing] = useState<{ ids: number[]; clear: () => void }>();
  const health = useQuery({ queryKey: HEALTH_KEY, queryFn: () => dataOf(api.GET('/api/v1/providers/health')), refetchInterval: HEALTH_MS });
  const groups = useQuery(providerGroupsQuery);
  const types = useQuery(providerTypesQuery);
  const { remove, reset } = useProviderActions();
  const options = (values: Schemas['ValueList'] | undefined) => (values?.items ?? []).map(({ value, count }) => ({ value, label: `${value} (${n(count)})` }));
  const circuitOf = (id: number) => (health.data?.available && !health.isError ? health.data.providers[String(id)] : undefined);
  const status = (row: Provider) => <Tag color={row.isEnabled ? 'success' : 'default'}>{t(row.isEnabled ? 'enabled' : 'disabled')}</Tag>;
  const circuit = (row: Provider) => <CircuitState circuit={circuitOf(row.id)} onReset={() => reset([row.id])} />;
  const multiplier = (row: Provider) => (row.costMultiplier === null ? '' : `× ${amount(row.costMultiplier)}`);

  return (
    <Page title={t('providers')}>
      <EntityTable<Provider>
        entity="providers"
        defaults={defaults}
        hint={t('searchProviders')}
        emptyText={t('emptyProviders')}
        onRefresh={() => void queries.invalidateQueries({ queryKey: HEALTH_KEY })}
        banner={health.isError ? <ErrorNotice error={health.error} onRetry={() => void health.refetch()} />
          : health.data?.available === false && <Alert type="warning" showIcon title={t('circuitAway')} description={(health.data.details ?? health.data.error) && <Technical text={health.data.details ?? health.data.error ?? ''} />} />}
        filters={[
          { name: 'providerType', label: t('filterType'), isMultiple: true, options: options(types.data) },
          { name: 'groups', label: t('filterGroups'), isMultiple: true, options: options(groups.data) },
          { name: 'enabled', label: t('filterEnabled'), options: [{ value: 'true', label: t('enabled') }, { value: 'false', label: t('disabled') }] },
          { name: 'circuitState', label: t('filterCircuit'), options: STATES.map((value) => ({ value, label: circuitName(value) })) },
        ]}
        columns={[
          {
            title: column('name'), key: 'name', sorter: true,
            render: (_, row) => (
              <div className="batch-name">
                <span>{row.name}</span>
                <Typography.Text type="secondary">{row.url}</Typography.Text>
                <div className="batch-narrow">
                  {status(row)}
                  {circuit(row)}
                  <span>{fieldName('priority')} {n(row.priority)}</span>
                  <span>{fieldName('weight')} {n(row.weight)}</span>
                  <span>{multiplier(row)}</span>
                </div>
              </div>
            ),
          },
          { title: column('status'), key: 'isEnabled', width: 80, responsive: WIDE, render: (_, row) => status(row) },
          { title: column('circuit'), key: 'circuit', width: 140, responsive: WIDE, render: (_, row) => circuit(row) },
          { title: column('type'), key: 'providerType', sorter: true, width: 90, responsive: WIDE, render: (_, row) => row.providerType },
          { title: fieldName('priority'), key: 'priority', sorter: true, align: 'right', width: 85, responsive: WIDE, render: (_, row) => n(row.priority) },
          { title: fieldName('weight'), key: 'weight', sorter: true, align: 'right', width: 80, responsive: WIDE, render: (_, row) => n(row.weight) },
          { title: fieldName('cost_multiplier'), key: 'costMultiplier', sorter: true, align: 'right', width: 100, responsive: WIDE, render: (_, row) => multiplier(row) },
          { title: fieldName('group_tag'), key: 'groupTag', sorter: true, width: 130, responsive: WIDE, render: (_, row) => <GroupList text={row.groupTag} /> },
          {
            title: column('actions'), key: 'actions', width: 56, align: 'center', className: 'batch-actions',
            render: (_, row) => (
              <Dropdown
                trigger={['click']}
                menu={{ items: [
                  { key: 'edit', icon: <EditOutlined />, label: t('editOne'), onClick: () => setEditing({ ids: [row.id], clear: () => undefined }) },
                  { key: 'reset', icon: <ReloadOutlined />, label: t('circuitReset'), disabled: !circuitOf(row.id)?.resettable, onClick: () => reset([row.id]) },
                  { key: 'delete', icon: <DeleteOutlined />, danger: true, label: t('remove'), onClick: () => void remove([row.id]) },
                ] }}
              >
                <Button type="text" size="small" icon={<MoreOutlined />} aria-label={`${column('actions')}: ${row.name}`} />
              </Dropdown>
            ),
          },
        ]}
        actions={(ids, clear) => (
          <>
            <Button type="primary" icon={<EditOutlined />} onClick={() => setEditing({ ids, clear })}>{t('edit')}</Button>
            <Button icon={<ReloadOutlined />} disabled={!health.data?.available} onClick={() => reset(ids)}>{t('circuitReset')}</Button>
            <Button danger icon={<DeleteOutlined />} onClick={() => void remove(ids, clear)}>{t('remove')}</Button>
          </>
        )}
      />
      {editing && <BatchDrawer entity="providers" ids={editing.ids} onClose={() => setEditing(undefined)} onDone={() => { setEditing(undefined); editing.clear(); }} />}
    </Page>
  );
}
