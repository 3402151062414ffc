// The list of models, a page at a time, sorted by the service. On a phone a row is a small card.

import { CopyOutlined, EllipsisOutlined } from '@ant-design/icons';
import { App, Button, Dropdown, Flex, Grid, Table, Typography, type TableColumnsType, type TableProps } from 'antd';
import type { ReactNode } from 'react';
import { useFormat } from '../../i18n/format';
import { useLanguage, useTexts } from '../../i18n/language';
import { countOf, type PriceItem, type PricePage } from './api';
import { SourceTag } from './review/changes';
import { isFree } from './values/costs';
import type { Json } from './values/exact';
import { perMillion } from './values/fields';
import { OtherPrices } from './other_prices';
import { providersOf } from './pin';
import { texts } from './texts';

export type Action = 'edit' | 'pin' | 'delete';

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

// A model is free only if all its costs are zero: a model paid by the second also has tokens for 0.
function Price({ value, item }: { value: string | undefined; item: PriceItem }) {
  const t = useTexts(texts);
  if (value === undefined) return <Typography.Text type="secondary">–</Typography.Text>;
  return <span className="numbers price">{value === '0' && isFree(item.priceData) ? t('free') : `$${value}`}</span>;
}

// Cache reads above cache writes.
function CachePrices({ item }: { item: PriceItem }) {
  const { priceData: data } = item;
  const prices = [perMillion(data.cache_read_input_token_cost), perMillion(data.cache_creation_input_token_cost)];
  if (prices.every((price) => price === undefined)) return <Price value={undefined} item={item} />;
  return <Flex vertical>{prices.map((price, i) => <Price key={i} value={price} item={item} />)}</Flex>;
}

function Actions({ item, onAction }: { item: PriceItem; onAction: (action: Action, item: PriceItem) => void }) {
  const t = useTexts(texts);
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        onClick: ({ key }) => onAction(key as Action, item),
        items: [
          { key: 'edit', label: t('edit') },
          ...(providersOf(item).length > 0 ? [{ key: 'pin', label: t('pin') }] : []),
          { key: 'delete', label: t('delete'), danger: true },
        ],
      }}
    >
      <Button type="text" icon={<EllipsisOutlined />} aria-label={t('actionsFor', { name: item.modelName })} />
    </Dropdown>
  );
}

function Name({ item, children }: { item: PriceItem; children?: ReactNode }) {
  const t = useTexts(texts);
  const { message } = App.useApp();
  const display = textOf(item.priceData.display_name);
  const copy = async () => {
    await navigator.clipboard.writeText(item.modelName);
    void message.success(t('copied'));
  };
  return (
    <Flex vertical gap={2}>
      <span className="model-name">
        {item.modelName}
        {/* Only a secure context has a clipboard. */}
        {window.isSecureContext && <Button type="text" size="small" icon={<CopyOutlined />} aria-label={`${t('copy')}: ${item.modelName}`} onClick={() => void copy()} />}
      </span>
      {display !== '' && display !== item.modelName && <Typography.Text type="secondary">{display}</Typography.Text>}
      {children}
    </Flex>
  );
}

function Card({ item }: { item: PriceItem }) {
  const t = useTexts(texts);
  const { priceData: data } = item;
  return (
    <Name item={item}>
      <Flex wrap gap="small" align="center">
        <SourceTag source={item.source} />
        <Typography.Text type="secondary">{[textOf(data.mode), textOf(data.litellm_provider)].filter(Boolean).join(' · ')}</Typography.Text>
      </Flex>
      <Flex wrap gap="small">
        <span>{t('input')} <Price value={perMillion(data.input_cost_per_token)} item={item} /></span>
        <span>{t('output')} <Price value={perMillion(data.output_cost_per_token)} item={item} /></span>
        <OtherPrices data={data} />
      </Flex>
    </Name>
  );
}

interface PriceTableProps {
  page: PricePage | undefined;
  isLoading: boolean;
  sortBy: string;
  sortOrder: string;
  current: number;
  pageSize: number;
  onChange: (change: { sortBy?: string; sortOrder?: string; page?: string; pageSize?: string }) => void;
  onAction: (action: Action, item: PriceItem) => void;
  empty: ReactNode;
}

export function PriceTable({ page, isLoading, sortBy, sortOrder, current, pageSize, onChange, onAction, empty }: PriceTableProps) {
  const t = useTexts(texts);
  const { dateTime, number } = useFormat();
  const { language } = useLanguage();
  const day = new Intl.DateTimeFormat(language, { dateStyle: 'medium' });
  const isWide = Grid.useBreakpoint().md ?? window.innerWidth >= 768;
  const sorted = (key: string) => ({ key, sorter: true, showSorterTooltip: false, sortOrder: sortBy === key ? (sortOrder === 'asc' ? 'ascend' as const : 'descend' as const) : null });
  const price = (field: string) => (_: unknown, item: PriceItem) => <Price value={perMillion(item.priceData[field])} item={item} />;
  const actions = { title: <span className="visually-hidden">{t('actions')}</span>, key: 'actions', width: 48, render: (_: unknown, item: PriceItem) => <Actions item={item} onAction={onAction} /> };
  const wide: TableColumnsType<PriceItem> = [
    { title: t('model'), ...sorted('modelName'), render: (_, item) => <Name item={item} /> },
    { title: t('source'), ...sorted('source'), width: 88, render: (_, item) => <SourceTag source={item.source} /> },
    {
      title: t('provider'), ...sorted('provider'), width: 150,
      render: (_, { priceData: data }) => <Flex vertical className="model-name"><span>{textOf(data.litellm_provider)}</span><Typography.Text type="secondary">{textOf(data.mode)}</Typography.Text></Flex>,
    },
    {
      title: t('perMillion'), children: [
        { title: t('input'), align: 'end', width: 92, ...sorted('inputPrice'), render: price('input_cost_per_token') },
        { title: t('output'), align: 'end', width: 92, ...sorted('outputPrice'), render: price('output_cost_per_token') },
        {
          title: t('cache'), key: 'cache', align: 'end', width: 112,
          render: (_, item) => <CachePrices item={item} />,
        },
      ],
    },
    { title: t('other'), key: 'other', width: 160, render: (_, item) => <OtherPrices data={item.priceData} /> },
    { title: t('updated'), ...sorted('updatedAt'), width: 140, render: (_, item) => item.updatedAt && <time dateTime={item.updatedAt} title={dateTime(item.updatedAt)}>{day.format(new Date(item.updatedAt))}</time> },
    actions,
  ];
  const narrow: TableColumnsType<PriceItem> = [{ title: t('model'), key: 'card', render: (_, item) => <Card item={item} /> }, actions];
  const changed: TableProps<PriceItem>['onChange'] = (pagination, _filters, sorter, { action }) => {
    const one = Array.isArray(sorter) ? sorter[0] : sorter;
    if (action === 'sort') {
      onChange(one?.order ? { sortBy: String(one.columnKey), sortOrder: one.order === 'ascend' ? 'asc' : 'desc', page: '1' } : { sortBy: 'modelName', sortOrder: 'asc', page: '1' });
    } else onChange({ page: pagination.pageSize === pageSize ? String(pagination.current) : '1', pageSize: String(pagination.pageSize) });
  };
  return (
    <Table<PriceItem>
      aria-label={t('table')} rowKey="modelName" size="small" tableLayout="fixed" columns={isWide ? wide : narrow} dataSource={page?.items ?? []} loading={isLoading} onChange={changed}
      scroll={isWide ? { x: 960 } : undefined} locale={{ emptyText: empty }} showHeader={isWide}
      pagination={{
        current, pageSize, total: page ? countOf(page.total) : 0, showSizeChanger: true, pageSizeOptions: [20, 50, 100, 200], size: isWide ? undefined : 'small', simple: !isWide,
        showTotal: (total, [from, to]) => t('range', { from: number(from), to: number(to), total: number(total) }),
      }}
    />
  );
}
