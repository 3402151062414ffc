// The number of chosen rows, a click to choose all matches, and the available actions.

import { Button, ConfigProvider, Space } from 'antd';
import type { ReactNode } from 'react';
import { useBatchTexts } from '../use_batch_texts';

export function SelectionBar({ count, total, isLoadingAll, onAll, onClear, children }: {
  count: number;
  total: number;
  isLoadingAll: boolean;
  onAll: () => void;
  onClear: () => void;
  children: ReactNode;
}) {
  const { t, n } = useBatchTexts();
  if (count === 0) return null;
  const isAll = count === total && total > 1;
  return (
    <section className="batch-selection" aria-label={t('selection')}>
      <Space wrap>
        <strong role="status">{isAll ? t('allChosen', { n: n(total) }) : t('chosen', { n: n(count) })}</strong>
        {count < total && <Button type="link" size="small" loading={isLoadingAll} onClick={onAll}>{t('chooseAll', { n: n(total) })}</Button>}
        <Button type="link" size="small" onClick={onClear}>{t('clearSelection')}</Button>
      </Space>
      {/* Actions are enabled when all chosen rows are known. */}
      <ConfigProvider componentDisabled={isLoadingAll}>
        <Space wrap>{children}</Space>
      </ConfigProvider>
    </section>
  );
}
