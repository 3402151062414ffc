import { defineTexts } from '../i18n/language';

export const texts = defineTexts({
  loading: ['加载中…', 'Loading…'],
  retry: ['重试', 'Try again'],
  unexpected: ['页面出现意外错误，请刷新后重试', 'Something unexpected happened on this page: reload it and try again'],
  offline: ['设备已离线', 'This device is offline'],
  serviceAway: ['无法连接到服务', 'The service cannot be reached'],
  databaseAway: ['数据库无法连接', 'The database is away'],
  goesOn: ['正在不断重试，恢复后页面会自动继续。', 'It is tried again and again, and the page goes on by itself when it is back.'],
  technical: ['技术细节（英文）', 'Technical details'],
  pageLost: ['无法加载此页面', 'This page could not be loaded'],
  reload: ['刷新页面', 'Reload the page'],
});
