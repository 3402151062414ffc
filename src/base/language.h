/* The languages of messages: simplified Chinese, the default, and English. */
#pragma once

typedef enum { LANGUAGE_ZH_CN, LANGUAGE_EN, LANGUAGE_COUNT } Language;

/* The language that an Accept-Language value prefers (RFC 9110, 12.5.4: quality values, language ranges). NULL, or none
 * of ours: LANGUAGE_ZH_CN. */
Language language_from_accept(const char *accept_language);

/* The language of a terminal, from LC_ALL, LC_MESSAGES and LANG: zh* is Chinese, anything else English, because a C or
 * POSIX locale does not promise that Chinese can be shown. */
Language language_from_locale(void);
