// The reader's choice of language and colours. The browser remembers both.

import { GlobalOutlined, MoonOutlined, SunOutlined } from '@ant-design/icons';
import { Button, Dropdown } from 'antd';
import { useLanguage, useTexts, type Language } from '../i18n/language';
import { useColors, type Colors } from './colors';
import { texts } from './texts';

export function LanguageChoice() {
  const t = useTexts(texts);
  const { language, setLanguage } = useLanguage();
  const name = language === 'en' ? 'English' : '中文';
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        selectable: true, selectedKeys: [language], onClick: ({ key }) => setLanguage(key as Language),
        items: [{ key: 'zh-CN', label: <span lang="zh-CN">简体中文</span> }, { key: 'en', label: <span lang="en">English</span> }],
      }}
    >
      <Button type="text" icon={<GlobalOutlined />} aria-label={`${t('language')}: ${name}`}>{name}</Button>
    </Dropdown>
  );
}

export function ColorsChoice() {
  const t = useTexts(texts);
  const { colors, isDark, setColors } = useColors();
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        selectable: true, selectedKeys: [colors], onClick: ({ key }) => setColors(key as Colors),
        items: (['system', 'light', 'dark'] as const).map((key) => ({ key, label: t(key) })),
      }}
    >
      <Button type="text" icon={isDark ? <MoonOutlined /> : <SunOutlined />} aria-label={t('colors')} />
    </Dropdown>
  );
}
