import { defineTexts } from '../i18n/language';

export const texts = defineTexts({
  skip: ['跳到主要内容', 'Skip to content'],
  menu: ['菜单', 'Menu'],
  openMenu: ['打开菜单', 'Open menu'],
  account: ['账户', 'Account'],
  signOut: ['退出登录', 'Sign out'],
  colors: ['配色', 'Colours'],
  light: ['浅色', 'Light'],
  dark: ['深色', 'Dark'],
  system: ['跟随系统', 'System'],
  language: ['语言', 'Language'],
  notFound: ['页面不存在', 'There is no such page'],
  notFoundHint: ['地址可能有误，或页面已移动', 'The address may be mistyped, or the page has moved'],
  home: ['返回首页', 'To the first page'],
});
