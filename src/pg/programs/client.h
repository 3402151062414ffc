/* Chooses the pg_dump for a server.
 *
 * pg_dump reads servers of its own and older major versions, and pg_restore reads archives of its own and older
 * formats. So the client of the server's major version is used if installed, otherwise the next newer one, whose
 * archives then need a newer pg_restore (pg_dump.c, setup_connection; pg_backup_archiver.h, K_VERS_MAX). */
#pragma once

#include <glib.h>

typedef struct {
  const char *bin_dirs; /* PG_BIN_DIR; see pg/programs/program.h */
  const char *command;  /* PG_DUMP_COMMAND: replaces pg_dump, "docker exec -i db pg_dump"; NULL: none */
} PgClientOptions;

typedef struct {
  char **argv;         /* the program, or the command's words; NULL-terminated */
  int version;         /* 150020 */
  gboolean is_command; /* it runs beside the server and may need another address, or none */
} PgClient;

/* For a server of this version (180004); 0: the newest. Programs are asked for their version once a minute. Errors:
 * EXPORT_PG_DUMP, whose message names what is missing. May be called on any thread. */
gboolean pg_client_choose(const PgClientOptions *options, int server_version, PgClient *ret_client, GError **error);
void pg_client_clear(PgClient *client);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PgClient, pg_client_clear)

/* The oldest major version of pg_restore that reads this pg_dump's archives: 12, 16 or 17. */
int pg_client_oldest_reader(int version);
