// What surrounds every page: language, colours, server state, addresses.

import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { App as AntApp, ConfigProvider, theme } from 'antd';
import enUS from 'antd/locale/en_US';
import zhCN from 'antd/locale/zh_CN';
import { createBrowserRouter, Navigate, Outlet, RouterProvider } from 'react-router';
import { ApiError, setOnSignedOut } from './api/client';
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
      // What the service refused stays refused; it may be away for a moment only.
      retry: (count, error) => count < 2 && error instanceof ApiError && (error.status === 0 || error.status === 503),
    },
  },
});

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
        children: pages.map(({ path, load }) => ({ path, lazy: async () => ({ Component: (await load()).default }) })),
      },
      { path: '*', element: <NotFound /> },
    ],
  },
]);

setOnSignedOut(() => {
  const { pathname, search } = router.state.location;
  if (pathname === '/login') return;
  queries.clear();
  void router.navigate(`/login?${new URLSearchParams({ from: pathname + search })}`, { replace: true });
});

const wantsLessMotion = window.matchMedia('(prefers-reduced-motion: reduce)').matches;

const lightTokens = {
  colorPrimary: '#0958d9', colorPrimaryHover: '#003eb3', colorError: '#cf1322', colorErrorHover: '#a8071a', colorLink: '#0958d9',
  colorSuccess: '#237804', colorSuccessBg: '#f6ffed', colorSuccessBorder: '#b7eb8f', colorErrorBg: '#fff2f0', colorErrorBorder: '#ffccc7',
  colorWarning: '#ad4e00', colorWarningBg: '#fffbe6', colorWarningBorder: '#ffe58f',
  colorTextDescription: 'rgba(0,0,0,.65)', colorTextSecondary: 'rgba(0,0,0,.68)', colorTextTertiary: 'rgba(0,0,0,.6)',
  colorTextPlaceholder: 'rgba(0,0,0,.58)',
};
const darkTokens = {
  colorPrimary: '#1668dc', colorPrimaryHover: '#1554ad', colorError: '#ff7875', colorLink: '#69b1ff',
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
        // Contrast of at least 4.5:1 for what is said in secondary colours.
        token: { motion: !wantsLessMotion, ...(isDark ? darkTokens : lightTokens) },
        components: isDark ? { Button: { dangerColor: '#1a0606' }, Menu: { itemSelectedColor: '#91caff' } } : {},
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
