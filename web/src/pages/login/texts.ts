import { defineTexts } from '../../i18n/language';

export const texts = defineTexts({
  title: ['登录', 'Sign in'],
  intro: ['使用管理员令牌，或管理员用户的 API Key 登录', 'With the administrator token, or the API key of an administrator'],
  key: ['令牌或 API Key', 'Token or API key'],
  keyMissing: ['请输入令牌或 API Key', 'Enter the token or an API key'],
  hint: ['首次启动时令牌会显示在终端，并保存在数据目录的 admin-token 文件中', 'The token was shown at the first start; it is in the file admin-token of the data directory'],
  submit: ['登录', 'Sign in'],
  expired: ['会话已过期或已退出，请重新登录；之后会回到刚才的页面', 'The session has ended. Sign in again, and you are taken back to where you were.'],
  wrong: ['令牌或 API Key 无效或已过期', 'The token or key is not known, or has expired'],
  forbidden: ['该 API Key 不属于可登录的管理员', 'This key does not belong to an administrator who may sign in'],
  lockedOut: ['失败次数过多，请在 {minutes} 分钟后重试', 'Too many failures: try again in {minutes} minutes'],
});
