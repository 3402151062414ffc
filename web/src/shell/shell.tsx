// The frame around the pages: menu, user, language, colours.

import { LogoutOutlined, MenuOutlined, UserOutlined } from '@ant-design/icons';
import { Button, Drawer, Dropdown, Flex, Grid, Layout, Menu, Typography } from 'antd';
import { useState } from 'react';
import { Link, Outlet, useLocation } from 'react-router';
import { addressOf, prefix } from '../api/address';
import { ConnectionNotice } from '../components/connection_notice';
import { ErrorNotice, Loading } from '../components/page';
import { useTexts } from '../i18n/language';
import { pageNames, pages } from '../pages';
import { ColorsChoice, LanguageChoice } from './choices';
import { useSession, useSignOut } from './session';
import { texts } from './texts';

function Pages({ onChoose }: { onChoose?: () => void }) {
  const name = useTexts(pageNames);
  const { pathname } = useLocation();
  return (
    <Menu
      mode="inline" selectedKeys={[pathname]} onClick={onChoose} className="pages"
      items={pages.map((page) => ({ key: page.path, icon: page.icon, label: <Link to={page.path}>{name(page.name)}</Link> }))}
    />
  );
}

function Account({ who }: { who: string }) {
  const t = useTexts(texts);
  const signOut = useSignOut();
  return (
    <Dropdown
      trigger={['click']}
      menu={{ items: [{ key: 'who', label: who, disabled: true }, { key: 'out', icon: <LogoutOutlined />, label: t('signOut'), onClick: () => void signOut() }] }}
    >
      <Button type="text" icon={<UserOutlined />} aria-label={`${t('account')}: ${who}`}><span className="wide-only">{who}</span></Button>
    </Dropdown>
  );
}

export function Shell() {
  const t = useTexts(texts);
  const isWide = Grid.useBreakpoint().lg ?? window.innerWidth >= 992;
  const [isMenuOpen, setMenuOpen] = useState(false);
  const session = useSession();
  const { pathname, search } = useLocation();
  return (
    <Layout className="shell">
      <a className="skip" href={`${prefix}${pathname}${search}#content`}>{t('skip')}</a>
      <Layout.Header className="bar">
        <Flex align="center" gap="small" className="brand">
          {!isWide && <Button type="text" icon={<MenuOutlined />} aria-label={t('openMenu')} onClick={() => setMenuOpen(true)} />}
          <img src={addressOf('/favicon.svg')} alt="" width={24} height={24} />
          <Typography.Text strong>cch-data</Typography.Text>
        </Flex>
        <Flex align="center">
          <LanguageChoice />
          <ColorsChoice />
          {session.data && <Account who={session.data.user.name ?? ''} />}
        </Flex>
      </Layout.Header>
      <Layout hasSider={isWide}>
        {isWide && <Layout.Sider theme="light" width={232} className="side"><nav aria-label={t('menu')}><Pages /></nav></Layout.Sider>}
        <Drawer open={!isWide && isMenuOpen} onClose={() => setMenuOpen(false)} placement="left" size={260} title={t('menu')} styles={{ body: { padding: 0 } }}>
          <nav aria-label={t('menu')}><Pages onChoose={() => setMenuOpen(false)} /></nav>
        </Drawer>
        <Layout.Content className="content" id="content" tabIndex={-1}>
          <ConnectionNotice />
          {session.isPending && <Loading />}
          {session.isError && !session.data && <ErrorNotice error={session.error} onRetry={() => void session.refetch()} />}
          {session.data && <Outlet />}
        </Layout.Content>
      </Layout>
    </Layout>
  );
}
