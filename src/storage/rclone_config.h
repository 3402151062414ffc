/* The kinds that rclone carries, as its configuration. Private to the room. */
#pragma once

#include "storage/storage.h"
#include "storage/storage_settings.h"

/* Where the child finds the file with known host keys: its extra descriptor. */
#define RCLONE_EXTRA_PATH "/proc/self/fd/3"

typedef struct {
  char *root;             /* "cch:bucket/prefix", ends with ':' or '/' */
  char *description;      /* a URL without secrets */
  GPtrArray *environment; /* of "NAME=value" */
  GPtrArray *to_obscure;  /* of "NAME=value", whose values rclone wants obscured */
  GPtrArray *secrets;     /* plain texts, none of which may stand in a message */
  char *known_hosts;      /* lines of OpenSSH's known_hosts, read from RCLONE_EXTRA_PATH; may be NULL */
  gboolean is_own;        /* our own configuration: the operator's, and RCLONE_… of the environment, are left out */
  /* Objects appear under their name when they are complete (S3): no partial name, which would need a copy. -1: ask. */
  int is_atomic;
  gboolean has_prefix; /* S3: a part of a bucket */
} RcloneConfig;

void rclone_config_free(RcloneConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RcloneConfig, rclone_config_free)

/* The kinds' settings, secrets, and configurations made of checked ones. STORAGE_SETTINGS. */
extern const StorageSetting rclone_s3_settings[], rclone_webdav_settings[], rclone_sftp_settings[],
    rclone_remote_settings[];
extern const char *const rclone_s3_secrets[], *const rclone_webdav_secrets[], *const rclone_sftp_secrets[],
                                                                                  *const rclone_remote_secrets[];
RcloneConfig *rclone_s3_config(const json_t *settings, const json_t *secrets, GError **error);
RcloneConfig *rclone_webdav_config(const json_t *settings, const json_t *secrets, GError **error);
RcloneConfig *rclone_sftp_config(const json_t *settings, const json_t *secrets, GError **error);
RcloneConfig *rclone_remote_config(const json_t *settings, const json_t *secrets, GError **error);

/* For the kinds: adds RCLONE_CONFIG_CCH_<name>=<value>, unless the value is NULL. */
RcloneConfig *rclone_config_new(const char *type);
void rclone_config_set(RcloneConfig *config, const char *name, const char *value);
/* A secret; `obscured` ones are obscured by rclone first. */
void rclone_config_set_secret(RcloneConfig *config, const char *name, const char *value, gboolean obscured);
/* A file with the certificate authority of an https server; NULL: the system's. */
void rclone_config_set_ca(RcloneConfig *config, const char *path);
/* STORAGE_SETTINGS unless the text is an http or https URL without user, query and fragment. */
gboolean rclone_config_check_url(const char *name, const char *text, GError **error);
/* The path without slashes at its ends, and with single ones inside; NULL with STORAGE_SETTINGS if it has a part "..".
 * NULL is an empty path. */
char *rclone_config_path(const char *path, GError **error);
