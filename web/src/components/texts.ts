import { defineTexts } from '../i18n/language';

export const texts = defineTexts({
  loading: ['加载中…', 'Loading…'],
  retry: ['重试', 'Try again'],
  unexpected: ['页面出现意外错误，请刷新后重试', 'Something unexpected happened on this page: reload it and try again'],
  reload: ['刷新页面', 'Reload the page'],
});
