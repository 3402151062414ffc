/* What rclone says of a failure, as one of our errors. It gives no codes, so its words decide: those of Go's libraries,
 * of HTTP's status lines, and of S3's error codes, which have not changed for years. */
#include "base/error.h"
#include "base/json.h"
#include "storage/rclone_run.h"

#include <string.h>

#define MAX_REASON_BYTES 400
#define MIN_MASKED_BYTES 3 /* shorter ones would mask parts of words */

static const struct {
  ErrorCode code;
  const char *words; /* in small letters */
} words_of_errors[] = {
    /* Locked first: they come with a 403. */
    {CCH_ERROR_STORAGE_LOCKED, "object lock"},
    {CCH_ERROR_STORAGE_LOCKED, "objectlock"},
    {CCH_ERROR_STORAGE_LOCKED, "worm protected"},
    {CCH_ERROR_STORAGE_LOCKED, "worm"},
    {CCH_ERROR_STORAGE_LOCKED, "retention"},
    {CCH_ERROR_STORAGE_LOCKED, "fileimmutable"},
    {CCH_ERROR_STORAGE_LOCKED, "objectimmutable"},
    {CCH_ERROR_STORAGE_FULL, "insufficient storage"},
    {CCH_ERROR_STORAGE_FULL, "no space left"},
    {CCH_ERROR_STORAGE_FULL, "storagefull"},
    {CCH_ERROR_STORAGE_FULL, "quota"},
    {CCH_ERROR_STORAGE_FULL, "entity too large"},
    {CCH_ERROR_STORAGE_FULL, "entitytoolarge"},
    {CCH_ERROR_STORAGE_FULL, "413 payload too large"},
    {CCH_ERROR_STORAGE_FULL, "status code: 413"},
    {CCH_ERROR_STORAGE_DAMAGED, "corrupted on transfer"},
    {CCH_ERROR_STORAGE_DAMAGED, "baddigest"},
    {CCH_ERROR_STORAGE_REFUSED, "unauthorized"},
    {CCH_ERROR_STORAGE_REFUSED, "forbidden"},
    {CCH_ERROR_STORAGE_REFUSED, "accessdenied"},
    {CCH_ERROR_STORAGE_REFUSED, "access denied"},
    {CCH_ERROR_STORAGE_REFUSED, "permission denied"},
    {CCH_ERROR_STORAGE_REFUSED, "permission_denied"},
    {CCH_ERROR_STORAGE_REFUSED, "invalidaccesskeyid"},
    {CCH_ERROR_STORAGE_REFUSED, "signaturedoesnotmatch"},
    {CCH_ERROR_STORAGE_REFUSED, "expiredtoken"},
    {CCH_ERROR_STORAGE_REFUSED, "invalidtoken"},
    {CCH_ERROR_STORAGE_REFUSED, "requesttimetooskewed"},
    {CCH_ERROR_STORAGE_REFUSED, "unable to authenticate"},
    {CCH_ERROR_STORAGE_REFUSED, "knownhosts:"},
    {CCH_ERROR_STORAGE_REFUSED, "private key"},
    {CCH_ERROR_STORAGE_REFUSED, "x509:"},
    {CCH_ERROR_STORAGE_REFUSED, "tls:"},
    {CCH_ERROR_STORAGE_REFUSED, "certificate"},
    {CCH_ERROR_STORAGE_REFUSED, "couldn't decrypt"},
    {CCH_ERROR_STORAGE_REFUSED, "config_pass"},
    {CCH_ERROR_STORAGE_SETTINGS, "didn't find section in config file"},
    {CCH_ERROR_STORAGE_SETTINGS, "didn't find backend"},
    {CCH_ERROR_STORAGE_MISSING, "nosuchbucket"},
    {CCH_ERROR_STORAGE_AWAY, "connection refused"},
    {CCH_ERROR_STORAGE_AWAY, "connection reset"},
    {CCH_ERROR_STORAGE_AWAY, "connection lost"},
    {CCH_ERROR_STORAGE_AWAY, "broken pipe"},
    {CCH_ERROR_STORAGE_AWAY, "no such host"},
    {CCH_ERROR_STORAGE_AWAY, "server misbehaving"},
    {CCH_ERROR_STORAGE_AWAY, "no route to host"},
    {CCH_ERROR_STORAGE_AWAY, "unreachable"},
    {CCH_ERROR_STORAGE_AWAY, "timeout"},
    {CCH_ERROR_STORAGE_AWAY, "timed out"},
    {CCH_ERROR_STORAGE_AWAY, "deadline exceeded"},
    {CCH_ERROR_STORAGE_AWAY, "eof"},
    {CCH_ERROR_STORAGE_AWAY, "too many requests"},
    {CCH_ERROR_STORAGE_AWAY, "slowdown"},
    {CCH_ERROR_STORAGE_AWAY, "slow down"},
    {CCH_ERROR_STORAGE_AWAY, "internal server error"},
    {CCH_ERROR_STORAGE_AWAY, "internalerror"},
    {CCH_ERROR_STORAGE_AWAY, "bad gateway"},
    {CCH_ERROR_STORAGE_AWAY, "service unavailable"},
    {CCH_ERROR_STORAGE_AWAY, "serviceunavailable"},
    {CCH_ERROR_STORAGE_AWAY, "gateway time"},
    {CCH_ERROR_STORAGE_AWAY, "locked"}, /* 423: another request writes to it */
    {CCH_ERROR_STORAGE_MISSING, "directory not found"},
    {CCH_ERROR_STORAGE_MISSING, "object not found"},
};

/* The message of a line, which is JSON or begins with a date. NULL for a line that tells of progress. */
static char *
line_message(const char *line)
{
  if (*line != '{') {
    static const char dated[] = "2006/01/02 15:04:05 ";
    gsize length = strlen(line);
    return g_strdup(length > strlen(dated) && line[4] == '/' ? line + strlen(dated) : line);
  }
  g_autoptr(json_t) entry = json_loads(line, 0, NULL);
  const char *message = json_string_value(json_object_get(entry, "msg"));
  return json_object_get(entry, "stats") == NULL ? g_strdup(message) : NULL;
}

/* "Failed to copyto with 2 errors: last error was: REASON" */
static const char *
message_reason(const char *message)
{
  const char *last = strstr(message, "last error was: "), *failed = strstr(message, "Failed to ");
  if (last != NULL)
    return last + strlen("last error was: ");
  const char *colon = failed != NULL ? strstr(failed, ": ") : NULL;
  return colon != NULL ? colon + strlen(": ") : message;
}

static void
mask_text(GString *text, const char *secret)
{
  if (strlen(secret) >= MIN_MASKED_BYTES)
    g_string_replace(text, secret, "•••", 0);
}

static void
mask_secrets(const RcloneConfig *config, GString *text)
{
  for (guint i = 0; i < config->secrets->len; i++) {
    const char *secret = config->secrets->pdata[i];
    g_autofree char *escaped = g_uri_escape_string(secret, NULL, FALSE);
    mask_text(text, secret);
    mask_text(text, escaped);
  }
}

void
rclone_set_error(const Rclone *rclone, int exit_code, const char *complaint, GError **error)
{
  g_autoptr(GString) all = g_string_new(NULL);
  g_autofree char *reason = NULL;
  g_auto(GStrv) lines = g_strsplit(complaint, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    g_autofree char *message = line_message(g_strstrip(*line));
    if (message == NULL || *message == '\0')
      continue;
    g_string_append_printf(all, "%s\n", message);
    g_free(reason);
    reason = g_strdup(message_reason(message));
  }
  g_autoptr(GString) shown = g_string_new(reason != NULL ? reason : "it said nothing");
  mask_secrets(rclone->config, shown);
  g_autofree char *visible = text_visible(shown->str);
  g_autofree char *limited = g_utf8_substring(visible, 0, MIN(MAX_REASON_BYTES, g_utf8_strlen(visible, -1)));

  ErrorCode code = CCH_ERROR_STORAGE_FAILED;
  if (exit_code == RCLONE_EXIT_NO_FOLDER || exit_code == RCLONE_EXIT_NO_FILE)
    code = CCH_ERROR_STORAGE_MISSING;
  if (exit_code == 5) /* temporary, says rclone */
    code = CCH_ERROR_STORAGE_AWAY;
  g_autofree char *last = g_utf8_strdown(shown->str, -1), *everything = g_utf8_strdown(all->str, -1);
  gboolean is_known = FALSE;
  for (guint i = 0; i < 2 * G_N_ELEMENTS(words_of_errors) && !is_known; i++) {
    guint word = i % G_N_ELEMENTS(words_of_errors);
    is_known = strstr(i == word ? last : everything, words_of_errors[word].words) != NULL;
    if (is_known)
      code = words_of_errors[word].code;
  }
  if (code == CCH_ERROR_STORAGE_REFUSED && strstr(everything, "knownhosts:") != NULL)
    error_set_explained(error, code, TEXT_STORAGE_HOST_KEY, "rclone: %s", limited);
  else
    error_set(error, code, "rclone: %s", limited);
}
