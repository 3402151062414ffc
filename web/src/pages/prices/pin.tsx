// Makes one of several providers' prices the model's manual price.

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { App, Flex, Modal, Radio, Typography } from 'antd';
import { useState } from 'react';
import { ErrorNotice } from '../../components/page';
import { useTexts } from '../../i18n/language';
import { pinPrice, type PriceItem } from './api';
import { isObject, type JsonObject } from './values/exact';
import { perMillion } from './values/fields';
import { texts } from './texts';

export function providersOf(item: PriceItem): [string, JsonObject][] {
  const { pricing } = item.priceData;
  return isObject(pricing) ? Object.entries(pricing).filter((entry): entry is [string, JsonObject] => isObject(entry[1])) : [];
}

function Prices({ prices }: { prices: JsonObject }) {
  const t = useTexts(texts);
  const parts = (['input_cost_per_token', 'output_cost_per_token'] as const).flatMap((name) => {
    const price = perMillion(prices[name]);
    return price === undefined ? [] : [`${t(name)} $${price}`];
  });
  return <Typography.Text type="secondary">{parts.join(' · ')} {parts.length > 0 && `(${t('perMillion')})`}</Typography.Text>;
}

export function PinModal({ item, onClose }: { item: PriceItem; onClose: () => void }) {
  const t = useTexts(texts);
  const { message } = App.useApp();
  const queries = useQueryClient();
  const providers = providersOf(item);
  const [provider, setProvider] = useState(providers[0]?.[0] ?? '');
  const pinning = useMutation({
    mutationFn: () => pinPrice(item.modelName, provider),
    onSuccess: () => {
      void message.success(t('pinned', { name: item.modelName }));
      onClose();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['prices'] }),
  });
  return (
    <Modal open title={t('pinTitle', { name: item.modelName })} onCancel={onClose} okText={t('pinButton')} cancelText={t('cancel')} confirmLoading={pinning.isPending} onOk={() => pinning.mutate()}>
      <Flex vertical gap="small">
        <Typography.Text>{t('pinHint')}</Typography.Text>
        {pinning.isError && <ErrorNotice error={pinning.error} />}
        <Radio.Group value={provider} onChange={(event) => setProvider(event.target.value as string)} vertical
          options={providers.map(([key, prices]) => ({ value: key, label: <Flex wrap gap="small"><span>{key}</span><Prices prices={prices} /></Flex> }))} />
      </Flex>
    </Modal>
  );
}
