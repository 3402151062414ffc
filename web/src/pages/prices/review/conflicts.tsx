// Manual prices that differ from the new ones, side by side, to be kept or replaced one by one or all together.

import { Button, Checkbox, Flex, Typography, type TableColumnsType } from 'antd';
import { useMemo } from 'react';
import { useFormat } from '../../../i18n/format';
import { useTexts } from '../../../i18n/language';
import type { Conflict } from '../api';
import { equalExact, isObject } from '../values/exact';
import { ModelTable } from './model_table';
import { Pairs, type Pair } from './pairs';
import { texts } from '../texts';

export function differences({ manualPrice, cloudPrice }: Conflict): Pair[] {
  const manual = isObject(manualPrice) ? manualPrice : {};
  const fresh = isObject(cloudPrice) ? cloudPrice : {};
  const names = [...new Set([...Object.keys(manual), ...Object.keys(fresh)])].sort();
  return names.filter((name) => !equalExact(manual[name], fresh[name])).map((field) => ({ field, left: manual[field], right: fresh[field] }));
}

function ConflictRow({ conflict, isChosen, onToggle }: { conflict: Conflict; isChosen: boolean; onToggle: () => void }) {
  const t = useTexts(texts);
  const { modelName: name } = conflict;
  const pairs = useMemo(() => differences(conflict), [conflict]);
  return (
    <Flex vertical gap="small">
      <Checkbox checked={isChosen} onChange={onToggle} aria-label={t('chooseOne', { name })}><strong className="model-name">{name}</strong></Checkbox>
      <Pairs pairs={pairs} label={t('fieldsOf', { name })} left={isChosen ? t('theManualReplaced') : t('theManual')} right={isChosen ? t('theNewTaken') : t('theNew')} />
    </Flex>
  );
}

export function Conflicts({ conflicts, chosen, onChoose }: { conflicts: Conflict[]; chosen: string[]; onChoose: (names: string[]) => void }) {
  const t = useTexts(texts);
  const { number } = useFormat();
  const marked = useMemo(() => new Set(chosen), [chosen]);
  const toggle = (name: string) => onChoose(marked.has(name) ? chosen.filter((other) => other !== name) : [...chosen, name]);
  const columns: TableColumnsType<Conflict> = [{
    title: t('model'), key: 'conflict',
    render: (_, conflict) => <ConflictRow conflict={conflict} isChosen={marked.has(conflict.modelName)} onToggle={() => toggle(conflict.modelName)} />,
  }];
  return (
    <Flex vertical gap="small">
      <Typography.Text>{t('conflictsHint')}</Typography.Text>
      <Flex wrap gap="small" align="center">
        <Button size="small" onClick={() => onChoose(conflicts.map(({ modelName }) => modelName))}>{t('chooseAll', { n: number(conflicts.length) })}</Button>
        <Button size="small" disabled={chosen.length === 0} onClick={() => onChoose([])}>{t('chooseNone')}</Button>
        <Typography.Text type="secondary" aria-live="polite">{t('chosen', { n: number(chosen.length) })}</Typography.Text>
      </Flex>
      <ModelTable rows={conflicts} columns={columns} label={t('tabConflicts', { n: number(conflicts.length) })} showHeader={false} />
    </Flex>
  );
}
