// The pages, one line each, in the order of the menu. A page's code is loaded when it is opened. The service answers these
// addresses with the document: src/web/http.c.

import { ApiOutlined, DatabaseOutlined, DollarOutlined, HistoryOutlined, SafetyCertificateOutlined, TeamOutlined } from '@ant-design/icons';
import type { ComponentType, ReactNode } from 'react';
import { defineTexts } from './i18n/language';

export const pageNames = defineTexts({
  data: ['数据导入导出', 'Data export and import'],
  backups: ['备份', 'Backups'],
  prices: ['模型价格', 'Model prices'],
  providers: ['供应商', 'Providers'],
  users: ['用户与密钥', 'Users and keys'],
  history: ['操作记录', 'History'],
});

export interface PageEntry {
  path: string;
  name: keyof typeof pageNames;
  icon: ReactNode;
  load(): Promise<{ default: ComponentType }>;
}

export const pages: PageEntry[] = [
  { path: '/settings/data', name: 'data', icon: <DatabaseOutlined />, load: () => import('./pages/data/page') },
  { path: '/settings/backups', name: 'backups', icon: <SafetyCertificateOutlined />, load: () => import('./pages/backups/page') },
  { path: '/settings/prices', name: 'prices', icon: <DollarOutlined />, load: () => import('./pages/prices/page') },
  { path: '/settings/providers', name: 'providers', icon: <ApiOutlined />, load: () => import('./pages/providers/page') },
  { path: '/dashboard/users', name: 'users', icon: <TeamOutlined />, load: () => import('./pages/users/page') },
  { path: '/history', name: 'history', icon: <HistoryOutlined />, load: () => import('./pages/history/page') },
];
