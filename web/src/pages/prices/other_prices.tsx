// Prices without a column: the first few, and all of them on demand.

import { Button, Flex, Popover, Typography } from 'antd';
import { useTexts } from '../../i18n/language';
import { otherCosts, type Cost } from './values/costs';
import type { JsonObject } from './values/exact';
import { costNames, texts, unitNames } from './texts';

const SHOWN = 2;

export function OtherPrices({ data }: { data: JsonObject }) {
  const t = useTexts(texts);
  const unitName = useTexts(unitNames);
  const costName = useTexts(costNames);
  const costs = otherCosts(data);
  if (costs.length === 0) return null;
  const line = ({ what, unit, note, low, high }: Cost) => {
    const price = `$${low}${high === low ? '' : `–${high}`}`;
    const name = what in costNames ? costName(what as keyof typeof costNames) : what.replaceAll('_', ' ');
    const per = unit in unitNames ? unitName(unit as keyof typeof unitNames) : unit.replaceAll('_', ' ');
    return [name, per === '' ? price : `${price} / ${per}`, note && `(${note.replaceAll('_', ' ')})`].filter(Boolean).join(' ');
  };
  const list = (some: Cost[]) => some.map((cost) => <span key={cost.field} className="price">{line(cost)}</span>);
  return (
    <Flex vertical align="start" className="numbers">
      {list(costs.slice(0, SHOWN))}
      {costs.length > SHOWN && (
        <Popover trigger={['click']} title={t('allPrices')} content={<Flex vertical className="numbers">{list(costs)}</Flex>}>
          <Button type="link" size="small" className="more-prices"><Typography.Text type="secondary">{t('morePrices', { n: costs.length - SHOWN })}</Typography.Text></Button>
        </Popover>
      )}
    </Flex>
  );
}
