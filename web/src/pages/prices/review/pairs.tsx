// Two prices side by side, field by field. On a phone a field's name is above its two values.

import { Typography } from 'antd';
import { useTexts } from '../../../i18n/language';
import { Exact, isDecimalNumber, plainNumber, writeExact, type Json } from '../values/exact';
import { isPerToken, perMillion } from '../values/fields';
import { texts } from '../texts';

export interface Pair {
  field: string;
  left: Json | undefined;
  right: Json | undefined;
}

// A value as stored; for a price per token also the price of a million.
function Value({ field, value }: { field: string; value: Json | undefined }) {
  const t = useTexts(texts);
  if (value === undefined || value === null) return <Typography.Text type="secondary">–</Typography.Text>;
  const million = isPerToken(field) ? perMillion(value) : undefined;
  return (
    <>
      <code>{value instanceof Exact && isDecimalNumber(value) ? plainNumber(value) : writeExact(value)}</code>
      {million !== undefined && <div><Typography.Text type="secondary">{t('perMillionHint', { price: million })}</Typography.Text></div>}
    </>
  );
}

// `left` null: only one side exists.
export function Pairs({ pairs, label, left, right }: { pairs: Pair[]; label: string; left: string | null; right: string }) {
  const t = useTexts(texts);
  return (
    <table className="pairs" aria-label={label}>
      <thead><tr><th scope="col">{t('field')}</th>{left !== null && <th scope="col">{left}</th>}<th scope="col">{right}</th></tr></thead>
      <tbody>
        {pairs.map((pair) => (
          <tr key={pair.field}>
            <th scope="row"><code>{pair.field}</code></th>
            {left !== null && <td><Value field={pair.field} value={pair.left} /></td>}
            <td><Value field={pair.field} value={pair.right} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
