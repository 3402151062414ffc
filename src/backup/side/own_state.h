/* Copies the contents of cch_data (audit log, records, all other tables) from the live database to the one that
 * takes its place, because the schema is not part of any archive. */
#pragma once

#include "pg/connection/connection.h"

/* Finds a table of the live database that the other one lacks after our own migrations have run there: another
 * version of ours, or someone else, created it. `ret_table` is NULL if there is none; free with g_free. */
gboolean own_state_find_unknown(PgConnection *live, PgConnection *other, char **ret_table, GError **error);

/* Replaces the rows of all tables of cch_data, and the values of its sequences, in `other` by those of `live`, from
 * one snapshot. `other` is in the caller's transaction. The records in cch_data.databases are still the live one's. */
gboolean own_state_copy(PgConnection *live, PgConnection *other, GError **error);
