import { defineTexts } from '../i18n/language';

export const texts = defineTexts({
  skip: ['跳到主要内容', 'Skip to content'],
  menu: ['菜单', 'Menu'],
  openMenu: ['打开菜单', 'Open menu'],
  account: ['账户', 'Account'],
  signOut: ['退出登录', 'Sign out'],
  signedOutHere: ['已在本实例退出。数据库无法写入，其他实例上的会话到期前仍然有效', 'Signed out here. The database could not be written, so other instances accept the session until it expires'],
  stillSignedIn: ['退出失败，您仍处于登录状态，请重试', 'Signing out failed, and you are still signed in. Try again'],
  colors: ['配色', 'Colours'],
  light: ['浅色', 'Light'],
  dark: ['深色', 'Dark'],
  system: ['跟随系统', 'System'],
  language: ['语言', 'Language'],
  notFound: ['页面不存在', 'There is no such page'],
  notFoundHint: ['地址可能有误，或页面已移动', 'The address may be mistyped, or the page has moved'],
  home: ['返回首页', 'To the first page'],
});
