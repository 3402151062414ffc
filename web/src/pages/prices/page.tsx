// The price table: searching, editing, uploads, exports, syncs with the cloud.

import { CloudSyncOutlined, DownOutlined, PlusOutlined, UploadOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { App, Button, Dropdown, Flex, Grid, Input, Select } from 'antd';
import { useEffect, useState } from 'react';
import { addressOf } from '../../api/address';
import { ErrorNotice, Nothing, Page } from '../../components/page';
import { useFormat } from '../../i18n/format';
import { useTexts } from '../../i18n/language';
import { useUrlState } from '../../lib/use_url_state';
import { deletePrice, isManual, MODELS, useFacets, usePrices, type Facet, type Facets, type PriceItem } from './api';
import { Editor } from './editor';
import { PinModal } from './pin';
import './prices.css';
import { SyncCard, SyncDrawer } from './sync';
import { PriceTable, type Action } from './table';
import { texts } from './texts';
import { UploadDrawer } from './upload';

const defaults = { search: '', source: '', litellmProvider: '', vendor: '', mode: '', sortBy: 'modelName', sortOrder: 'asc', page: '1', pageSize: '50' };
type State = typeof defaults;

const noFilter = { search: '', source: '', litellmProvider: '', vendor: '', mode: '', page: '1' };
const isFiltered = (state: State) => (['search', 'source', 'litellmProvider', 'vendor', 'mode'] as const).some((name) => state[name] !== '');

// The valid parameters of the address; anybody may have written it.
function checked(state: State): State {
  const whole = (text: string, fallback: string, max: number) => (/^[1-9]\d{0,6}$/.test(text) && Number(text) <= max ? text : fallback);
  return {
    ...state,
    page: whole(state.page, defaults.page, 9_999_999),
    pageSize: whole(state.pageSize, defaults.pageSize, 200),
    source: ['manual', 'cloud'].includes(state.source) ? state.source : '',
    sortBy: ['modelName', 'source', 'provider', 'vendor', 'mode', 'updatedAt', 'inputPrice', 'outputPrice'].includes(state.sortBy) ? state.sortBy : defaults.sortBy,
    sortOrder: state.sortOrder === 'desc' ? 'desc' : 'asc',
  };
}

// Searches shortly after the last key.
function Search({ value, onChange }: { value: string; onChange: (search: string) => void }) {
  const t = useTexts(texts);
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed === value) return undefined;
    const timer = setTimeout(() => onChange(typed), 300);
    return () => clearTimeout(timer);
  }, [typed, value, onChange]);
  return <Input.Search allowClear className="filter-search" aria-label={t('search')} placeholder={t('search')} value={typed} maxLength={200} onChange={(event) => setTyped(event.target.value)} onSearch={(text) => onChange(text)} />;
}

function FacetSelect({ label, facets, value, onChange }: { label: string; facets: Facet[]; value: string; onChange: (value: string) => void }) {
  const t = useTexts(texts);
  const { number } = useFormat();
  const options = [{ value: '', label: `${label}: ${t('any')}` }, ...facets.map((facet) => ({ value: facet.value, label: `${facet.value} (${number(facet.count)})` }))];
  if (value !== '' && !facets.some((facet) => facet.value === value)) options.push({ value, label: value });
  return <Select showSearch={{ optionFilterProp: 'label' }} className="filter" aria-label={label} value={value} options={options} onChange={onChange} popupMatchSelectWidth={false} />;
}

function Filters({ state, facets, onChange }: { state: State; facets: Facets | undefined; onChange: (change: Partial<State>) => void }) {
  const t = useTexts(texts);
  const isWide = Grid.useBreakpoint().md ?? window.innerWidth >= 768;
  const sources = [{ value: '', label: `${t('source')}: ${t('any')}` }, { value: 'manual', label: t('manual') }, { value: 'cloud', label: t('cloud') }];
  const sorts = (['modelName', 'inputPrice', 'outputPrice', 'updatedAt'] as const).flatMap((key) => {
    const name = { modelName: t('model'), inputPrice: t('input'), outputPrice: t('output'), updatedAt: t('updated') }[key];
    return [{ value: `${key} asc`, label: `${t('sort')}: ${name} ↑` }, { value: `${key} desc`, label: `${t('sort')}: ${name} ↓` }];
  });
  const filter = (change: Partial<State>) => onChange({ ...change, page: '1' });
  return (
    <Flex wrap gap="small" role="search" aria-label={t('filters')}>
      <Search value={state.search} onChange={(search) => filter({ search })} />
      <Select className="filter" aria-label={t('source')} value={state.source} options={sources} onChange={(source) => filter({ source })} popupMatchSelectWidth={false} />
      <FacetSelect label={t('provider')} facets={facets?.providers ?? []} value={state.litellmProvider} onChange={(litellmProvider) => filter({ litellmProvider })} />
      {((facets?.vendors.length ?? 0) > 0 || state.vendor !== '') && <FacetSelect label={t('vendor')} facets={facets?.vendors ?? []} value={state.vendor} onChange={(vendor) => filter({ vendor })} />}
      <FacetSelect label={t('mode')} facets={facets?.modes ?? []} value={state.mode} onChange={(mode) => filter({ mode })} />
      {!isWide && <Select className="filter" aria-label={t('sort')} value={`${state.sortBy} ${state.sortOrder}`} options={sorts} popupMatchSelectWidth={false}
        onChange={(text: string) => { const [sortBy = '', sortOrder = ''] = text.split(' '); filter({ sortBy, sortOrder }); }} />}
      {isFiltered(state) && <Button onClick={() => onChange(noFilter)}>{t('clear')}</Button>}
    </Flex>
  );
}

function ExportButton() {
  const t = useTexts(texts);
  const link = (query: string, name: 'exportJson' | 'exportToml' | 'exportManualJson' | 'exportManualToml') => ({ key: query, label: <a href={addressOf(`${MODELS}:export?${query}`)} download>{t(name)}</a> });
  return (
    <Dropdown trigger={['click']} menu={{ items: [link('format=json', 'exportJson'), link('format=toml', 'exportToml'), link('format=json&source=manual', 'exportManualJson'), link('format=toml&source=manual', 'exportManualToml')] }}>
      <Button>{t('export')} <DownOutlined /></Button>
    </Dropdown>
  );
}

type Open = null | 'upload' | 'sync' | 'add' | { action: 'edit' | 'pin'; item: PriceItem };

export default function PricesPage() {
  const t = useTexts(texts);
  const { number } = useFormat();
  const { message, modal } = App.useApp();
  const queries = useQueryClient();
  const [given, setState] = useUrlState(defaults);
  const state = checked(given);
  const [open, setOpen] = useState<Open>(null);
  const prices = usePrices(state);
  const facets = useFacets();
  const close = () => setOpen(null);
  const remove = (item: PriceItem) =>
    void modal.confirm({
      title: t('deleteTitle', { name: item.modelName }), content: isManual(item.source) ? t('deleteManual') : t('deleteCloud'),
      okText: t('delete'), okButtonProps: { danger: true }, cancelText: t('cancel'),
      onOk: async () => {
        try {
          await deletePrice(item.modelName);
          void message.success(t('deleted', { name: item.modelName }));
        } catch (error) {
          modal.error({ title: t('delete'), content: <ErrorNotice error={error} /> });
        }
        await queries.invalidateQueries({ queryKey: ['prices'] });
      },
    });
  const act = (action: Action, item: PriceItem) => (action === 'delete' ? remove(item) : setOpen({ action, item }));
  const buttons = (
    <>
      <Button icon={<CloudSyncOutlined />} onClick={() => setOpen('sync')}>{t('sync')}</Button>
      <Button icon={<UploadOutlined />} onClick={() => setOpen('upload')}>{t('upload')}</Button>
      <ExportButton />
      <Button type="primary" icon={<PlusOutlined />} onClick={() => setOpen('add')}>{t('add')}</Button>
    </>
  );
  const manual = facets.data?.sources.find(({ value }) => value === 'manual')?.count ?? 0;
  const empty = isFiltered(state)
    ? <Nothing what={t('noMatch')} action={<Button onClick={() => setState(noFilter)}>{t('clear')}</Button>} />
    : <Nothing what={prices.isPending ? '' : t('nothing')} />;
  return (
    <Page title={t('title')} subtitle={facets.data ? t('subtitle', { n: number(facets.data.total), manual: number(manual) }) : '\u00a0'} actions={buttons}>
      <SyncCard onSync={() => setOpen('sync')} />
      <Filters state={state} facets={facets.data} onChange={setState} />
      {prices.isError && <ErrorNotice error={prices.error} onRetry={() => void prices.refetch()} />}
      {!(prices.isError && !prices.data) && (
        <PriceTable
          page={prices.data} isLoading={prices.isPending || prices.isPlaceholderData} sortBy={state.sortBy} sortOrder={state.sortOrder} current={Number(state.page)}
          pageSize={Number(state.pageSize)} onChange={setState} onAction={act} empty={empty}
        />
      )}
      {open === 'upload' && <UploadDrawer onClose={close} />}
      {open === 'sync' && <SyncDrawer onClose={close} />}
      {open === 'add' && <Editor item={null} facets={facets.data} onClose={close} />}
      {open !== null && typeof open === 'object' && open.action === 'edit' && <Editor item={open.item} facets={facets.data} onClose={close} />}
      {open !== null && typeof open === 'object' && open.action === 'pin' && <PinModal item={open.item} onClose={close} />}
    </Page>
  );
}
