/* Filters of users, keys and providers: named conditions, all of which have to hold, as a list's query and the command
 * line give them.
 *
 * | of        | name          | value                                                                                |
 * |-----------|---------------|--------------------------------------------------------------------------------------|
 * | all       | q             | text in the name, note, groups, tags, …; or a whole key                              |
 * |           | ids           | 1,2,3                                                                                |
 * | users     | tags          | a,b: one of them                                                                     |
 * |           | keyGroups     | a,b: has a key in one of these groups                                                |
 * |           | role          | admin, user                                                                          |
 * | keys      | userId        | 1,2: of these users                                                                  |
 * |           | tags          | of its user                                                                          |
 * |           | groups        | a,b: is in one of these                                                              |
 * |           | canLoginWebUi | true, false                                                                          |
 * | both      | status        | active (enabled, not expired), expired, expiringSoon (within 7 days), enabled,       |
 * |           |               | disabled                                                                             |
 * |           | expiresAfter, expiresBefore | 2026-01-31 or 2026-01-31T12:00:00Z                                     |
 * | providers | providerType  | claude,codex                                                                         |
 * |           | groups        | as of keys                                                                           |
 * |           | enabled       | true, false                                                                          |
 * |           | circuitState  | closed, open, half-open; resettable: whose breakers a reset would close. Needs Redis |
 *
 * Deleted rows match nothing. */
#pragma once

#include "batch/fields/field.h"
#include "pg/connection/connection.h"

typedef struct BatchFilter BatchFilter;

/* Matches all rows; for BATCH_USERS, BATCH_KEYS or BATCH_PROVIDERS. */
BatchFilter *batch_filter_new(BatchEntity entity);
void batch_filter_free(BatchFilter *filter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BatchFilter, batch_filter_free)

BatchEntity batch_filter_entity(const BatchFilter *filter);
/* The entity's condition names by index; NULL after the last. */
const char *batch_filter_name(BatchEntity entity, guint index);

/* Sets a condition, replacing an earlier one with that name; an empty text removes it. REQUEST_PARAMETER, with the
 * allowed values, for an unknown name or an invalid value. */
gboolean batch_filter_set(BatchFilter *filter, const char *name, const char *text, GError **error);

/* Reads the circuit breakers from Redis if the filter needs them. REDIS_UNAVAILABLE, DATABASE_*. */
gboolean batch_filter_resolve(BatchFilter *filter, PgConnection *connection, const char *redis_url, GError **error);

/* The parameter values, in the order of the names, for the entity's statement (sql/list_users.sql and so on). Owned
 * by the filter, which must be resolved. */
const char *const *batch_filter_values(const BatchFilter *filter, guint *ret_n);
