/* What cch_data holds (audit log, records, whatever a table there is for), from the database that is live to the one
 * that takes its place: the schema is not part of any archive. */
#pragma once

#include "pg/connection/connection.h"

/* A table of the live database that the other one lacks after our own migrations have run there: another version of
 * ours, or somebody, made it. `ret_table` is NULL when there is none; free with g_free. */
gboolean own_state_find_unknown(PgConnection *live, PgConnection *other, char **ret_table, GError **error);

/* Replaces the rows of all tables of cch_data, and the values of its sequences, in `other` by those of `live`; of one
 * snapshot. `other` is in the caller's transaction. The records in cch_data.databases are the live one's still. */
gboolean own_state_copy(PgConnection *live, PgConnection *other, GError **error);
