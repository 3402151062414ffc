/* The languages of messages: simplified Chinese, the default, and English. */
#pragma once

typedef enum { LANGUAGE_ZH_CN, LANGUAGE_EN, LANGUAGE_COUNT } Language;

/* The language preferred by an Accept-Language value (RFC 9110, 12.5.4: quality values, language ranges).
 * LANGUAGE_ZH_CN for NULL, or if it has none of ours. */
Language language_from_accept(const char *accept_language);

/* The language of a terminal, from LC_ALL, LC_MESSAGES and LANG: Chinese for zh*, otherwise English, because a C or
 * POSIX locale may not be able to show Chinese. */
Language language_from_locale(void);
