import { LockOutlined } from '@ant-design/icons';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Card, Flex, Form, Input, Typography } from 'antd';
import { useEffect } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import { addressOf } from '../../api/address';
import { api, ApiError, dataOf } from '../../api/client';
import { ConnectionNotice } from '../../components/connection_notice';
import { ErrorNotice } from '../../components/page';
import { useTexts, type Translate } from '../../i18n/language';
import { ColorsChoice, LanguageChoice } from '../../shell/choices';
import { texts } from './texts';

// Accepts only addresses of this application: "//elsewhere" would be another host.
function target(from: string | null, fallback: string): string {
  return from && /^\/(?![/\\])/.test(from) ? from : fallback;
}

function reason(error: Error, t: Translate<keyof typeof texts>): string | null {
  if (!(error instanceof ApiError)) return null;
  if (error.status === 401) return t('wrong');
  if (error.status === 403) return t('forbidden');
  if (error.status === 429) return t('lockedOut', { minutes: Math.ceil((error.retryAfterSeconds ?? 900) / 60) });
  return null;
}

export function LoginPage() {
  const t = useTexts(texts);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [params] = useSearchParams();
  const login = useMutation({
    mutationFn: (key: string) => dataOf(api.POST('/api/auth/login', { body: { key } })),
    onSuccess: async (answer) => {
      queries.clear();
      await navigate(target(params.get('from'), answer.redirectTo), { replace: true });
    },
  });
  const why = login.error ? reason(login.error, t) : null;
  useEffect(() => {
    document.title = `${t('title')} · cch-data`;
  }, [t]);
  return (
    <main className="login">
      <div className="login-choices"><LanguageChoice /><ColorsChoice /></div>
      <Card className="login-card">
        <ConnectionNotice />
        <Flex vertical gap="middle">
          <Flex align="center" gap="small">
            <img src={addressOf('/favicon.svg')} alt="" width={32} height={32} />
            <Typography.Title level={1} className="page-title">cch-data</Typography.Title>
          </Flex>
          <Typography.Text>{t('intro')}</Typography.Text>
          {params.has('expired') && !login.error && <Alert type="info" showIcon role="alert" title={t('expired')} />}
          {why && <Alert type="error" showIcon role="alert" title={why} />}
          {login.error && !why && <ErrorNotice error={login.error} />}
          <Form layout="vertical" requiredMark={false} onFinish={({ key }: { key: string }) => login.mutate(key.trim())}>
            <Form.Item name="key" label={t('key')} extra={t('hint')} rules={[{ required: true, whitespace: true, message: t('keyMissing') }]}>
              <Input.Password prefix={<LockOutlined />} autoFocus autoComplete="current-password" maxLength={512} />
            </Form.Item>
            <Button type="primary" htmlType="submit" block loading={login.isPending}>{t('submit')}</Button>
          </Form>
        </Flex>
      </Card>
    </main>
  );
}
