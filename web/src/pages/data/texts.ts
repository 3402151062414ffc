import { defineTexts } from '../../i18n/language';

export const texts = defineTexts({
  title: ['数据导入导出', 'Data export and import'],
});
