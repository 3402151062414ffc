// The surroundings of every page: language, colours, server state, addresses.

import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { App as AntApp, ConfigProvider, theme } from 'antd';
import enUS from 'antd/locale/en_US';
import zhCN from 'antd/locale/zh_CN';
import { createBrowserRouter, Navigate, Outlet, RouterProvider } from 'react-router';
import { addressOf, pageOf, prefix } from './api/address';
import { setOnSignedOut, unreachableError } from './api/client';
import { connection, onConnection } from './api/connection';
import { RouteError } from './components/error_boundary';
import { LanguageProvider, useLanguage } from './i18n/language';
import { pages } from './pages';
import { LoginPage } from './pages/login/page';
import { NotFound } from './shell/not_found';
import { Shell } from './shell/shell';
import { ColorsProvider, useColors } from './shell/colors';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // A failure is shown at once. api/connection.ts polls an unreachable service until it is back.
      retry: false,
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});
onConnection(() => {
  if (connection() === 'good') void queries.invalidateQueries();
});

// Whether the service now has another version of the pages.
async function isReplaced(): Promise<boolean> {
  const own = document.querySelector<HTMLScriptElement>('script[type=module][src]')?.getAttribute('src') ?? '';
  const response = await fetch(`${prefix}/`, { cache: 'no-store' });
  return response.ok && !(await response.text()).includes(own);
}

// After an upgrade the files of a page that was not opened before are missing. The new pages are loaded instead.
async function loadPage({ load }: (typeof pages)[number]) {
  try {
    return { Component: (await load()).default };
  } catch (error) {
    const isOld = await isReplaced().catch(() => { throw unreachableError(); });
    if (!isOld) throw error;
    const { pathname, search } = router.state.navigation.location ?? router.state.location;
    window.location.assign(addressOf(pageOf(pathname)) + search);
    return new Promise<never>(() => undefined);
  }
}

const router = createBrowserRouter([
  { path: '/login', element: <LoginPage />, errorElement: <RouteError /> },
  {
    path: '/',
    element: <Shell />,
    errorElement: <RouteError />,
    children: [
      { index: true, element: <Navigate to={pages[0]!.path} replace /> },
      {
        element: <Outlet />,
        errorElement: <RouteError />,
        children: pages.map((page) => ({ path: page.path, lazy: () => loadPage(page) })),
      },
      { path: '*', element: <NotFound /> },
    ],
  },
], { basename: prefix === '' ? '/' : prefix });

setOnSignedOut(() => {
  const { search } = router.state.location;
  const page = pageOf(router.state.location.pathname);
  if (page === '/login') return;
  const hadSession = queries.getQueryData(['session']) !== undefined;
  queries.clear();
  const query = new URLSearchParams({ from: page + search, ...(hadSession ? { expired: 'true' } : {}) });
  void router.navigate(`/login?${query}`, { replace: true });
});

const wantsLessMotion = window.matchMedia('(prefers-reduced-motion: reduce)').matches;

const lightTokens = {
  colorPrimary: '#0958d9', colorPrimaryHover: '#003eb3', colorError: '#cf1322', colorErrorHover: '#a8071a', colorLink: '#0958d9', colorInfo: '#0958d9',
  colorSuccess: '#237804', colorSuccessBg: '#f6ffed', colorSuccessBorder: '#b7eb8f', colorErrorBg: '#fff2f0', colorErrorBorder: '#ffccc7',
  colorWarning: '#ad4e00', colorWarningBg: '#fffbe6', colorWarningBorder: '#ffe58f',
  colorTextDescription: 'rgba(0,0,0,.65)', colorTextSecondary: 'rgba(0,0,0,.68)', colorTextTertiary: 'rgba(0,0,0,.6)',
  colorTextPlaceholder: 'rgba(0,0,0,.58)',
};
const darkTokens = {
  colorPrimary: '#1668dc', colorPrimaryHover: '#1554ad', colorError: '#ff7875', colorLink: '#69b1ff', colorInfo: '#69b1ff',
  colorTextDescription: 'rgba(255,255,255,.68)', colorTextSecondary: 'rgba(255,255,255,.7)', colorTextTertiary: 'rgba(255,255,255,.62)',
  colorTextPlaceholder: 'rgba(255,255,255,.6)',
};

function Themed() {
  const { language } = useLanguage();
  const { isDark } = useColors();
  return (
    <ConfigProvider
      locale={language === 'en' ? enUS : zhCN}
      theme={{
        algorithm: isDark ? theme.darkAlgorithm : theme.defaultAlgorithm,
        // Contrast of at least 4.5:1 for text in secondary colours.
        token: { motion: !wantsLessMotion, ...(isDark ? darkTokens : lightTokens) },
        components: isDark ? { Button: { dangerColor: '#1a0606' }, Menu: { itemSelectedColor: '#91caff' }, Tabs: { itemSelectedColor: '#69b1ff', itemHoverColor: '#91caff', inkBarColor: '#69b1ff' } } : {},
      }}
    >
      <AntApp>
        <QueryClientProvider client={queries}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </AntApp>
    </ConfigProvider>
  );
}

export function App() {
  return (
    <LanguageProvider>
      <ColorsProvider>
        <Themed />
      </ColorsProvider>
    </LanguageProvider>
  );
}
