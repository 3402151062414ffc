// How many backups each rule keeps.

import { Form, InputNumber } from 'antd';
import { useTexts } from '../../../i18n/language';
import type { JobSettings } from '../queries';
import { texts } from '../texts';

export type Retention = JobSettings['retention'];
export type Rule = [name: keyof Retention, label: keyof typeof texts];

const lowest = (rule: keyof Retention) => (rule === 'minimum' ? 1 : 0);

export function Counts({ rules, retention, onChange }: { rules: Rule[]; retention: Retention; onChange: (retention: Retention) => void }) {
  const t = useTexts(texts);
  return (
    <div className="backup-form">
      {rules.map(([rule, label]) => (
        <Form.Item key={rule} label={t(label)} htmlFor={`job-${rule}`}>
          <InputNumber id={`job-${rule}`} min={lowest(rule)} max={rule === 'withinHours' ? 876_000 : 10_000} precision={0} value={retention[rule]} onChange={(value) => onChange({ ...retention, [rule]: value ?? lowest(rule) })} />
        </Form.Item>
      ))}
    </div>
  );
}
