// The worst state of a provider's circuit breakers, and all of them on demand.

import { Badge, Button, Popover, Typography } from 'antd';
import type { Schemas } from '../../api/client';
import { useTexts } from '../../i18n/language';
import { circuitNames } from '../texts';
import { useBatchTexts } from '../use_batch_texts';

export type Circuit = Schemas['ProviderCircuit'];
type State = Schemas['CircuitState'];

const COLOURS: Record<State, 'success' | 'error' | 'warning'> = { closed: 'success', open: 'error', 'half-open': 'warning' };

function worst({ circuitState, endpointCircuitState, vendorTypeCircuitState }: Circuit): State {
  const states = [circuitState, endpointCircuitState, vendorTypeCircuitState];
  return (['open', 'half-open'] as const).find((state) => states.includes(state)) ?? 'closed';
}

function Details({ circuit, onReset }: { circuit: Circuit; onReset: () => void }) {
  const { t, n } = useBatchTexts();
  const name = useTexts(circuitNames);
  return (
    <div className="batch-circuit">
      {circuit.failureCount > 0 && <div>{t('circuitFailures', { n: n(circuit.failureCount) })}</div>}
      {circuit.recoveryMinutes !== null && <div>{t('circuitRecovers', { minutes: circuit.recoveryMinutes })}</div>}
      {circuit.endpointCircuitState && <div>{t('circuitEndpoint', { state: name(circuit.endpointCircuitState) })}</div>}
      {circuit.vendorTypeCircuitState && <div>{t('circuitVendor', { state: name(circuit.vendorTypeCircuitState) })}</div>}
      {circuit.manualOpen && <div>{t('circuitManual')}</div>}
      {circuit.resettable && <Button size="small" onClick={onReset}>{t('circuitReset')}</Button>}
    </div>
  );
}

export function CircuitState({ circuit, onReset }: { circuit: Circuit | undefined; onReset: () => void }) {
  const { t } = useBatchTexts();
  const name = useTexts(circuitNames);
  if (!circuit) return <Badge status="default" text={t('circuitUnknown')} />;
  const state = worst(circuit);
  const badge = <Badge status={COLOURS[state]} text={name(state)} />;
  if (state === 'closed' && circuit.failureCount === 0) return badge;
  return (
    <Popover trigger={['click']} content={<Details circuit={circuit} onReset={onReset} />}>
      <Button type="text" size="small" className="batch-state">
        {badge}
        {circuit.recoveryMinutes !== null && <Typography.Text type="secondary">{t('circuitRecovers', { minutes: circuit.recoveryMinutes })}</Typography.Text>}
      </Button>
    </Popover>
  );
}
