#include "backup/plan/entry_sql.h"

#include "base/error.h"
#include "pg/connection/connection.h"

#include <string.h>

char *
entry_read_identifier(const char **cursor)
{
  const char *p = *cursor;
  GString *name = g_string_new(NULL);
  if (*p == '"') {
    for (p++; *p != '\0'; p++) {
      if (*p == '"' && *++p != '"')
        break;
      g_string_append_c(name, *p);
    }
  } else {
    while (g_ascii_isalnum(*p) || *p == '_' || *p == '$' || (guchar)*p >= 0x80)
      g_string_append_c(name, *p++);
  }
  if (p == *cursor) {
    g_string_free(name, TRUE);
    return NULL;
  }
  *cursor = p;
  return g_string_free(name, FALSE);
}

static gboolean
skip_word(const char **cursor, const char *word)
{
  if (!g_str_has_prefix(*cursor, word))
    return FALSE;
  *cursor += strlen(word);
  return TRUE;
}

/* Reads "(id, name)" into `columns`; the cursor is at the parenthesis. */
static gboolean
read_column_list(const char **cursor, GStrvBuilder *columns)
{
  if (!skip_word(cursor, "("))
    return FALSE;
  do {
    while (**cursor == ' ')
      (*cursor)++;
    g_autofree char *column = entry_read_identifier(cursor);
    if (column == NULL)
      return FALSE;
    g_strv_builder_add(columns, column);
  } while (skip_word(cursor, ","));
  return skip_word(cursor, ")");
}

/* Parses "COPY schema.table (columns) FROM stdin;". `ret_table` gets the schema, if any, and the table. */
static gboolean
read_copy(const TocEntry *entry, char ***ret_table, char ***ret_columns, GError **error)
{
  g_autoptr(GStrvBuilder) table = g_strv_builder_new();
  g_autoptr(GStrvBuilder) columns = g_strv_builder_new();
  const char *cursor = entry->copy_stmt != NULL ? entry->copy_stmt : "";
  gboolean ok = skip_word(&cursor, "COPY ");
  do {
    g_autofree char *part = entry_read_identifier(&cursor);
    ok = ok && part != NULL;
    if (ok)
      g_strv_builder_add(table, part);
  } while (ok && skip_word(&cursor, "."));
  while (ok && *cursor == ' ')
    cursor++;
  ok = ok && (*cursor != '(' || read_column_list(&cursor, columns));
  while (ok && *cursor == ' ')
    cursor++;
  if (!ok || !skip_word(&cursor, "FROM stdin;")) {
    g_autofree char *name = entry_display_name(entry);
    error_set(error, CCH_ERROR_ARCHIVE_UNSUPPORTED, "rows of %s are not COPY data", name);
    return FALSE;
  }
  *ret_table = g_strv_builder_end(table);
  *ret_columns = g_strv_builder_end(columns);
  return TRUE;
}

gboolean
entry_copy_columns(const TocEntry *entry, char ***ret_columns, GError **error)
{
  g_auto(GStrv) table = NULL;
  return read_copy(entry, &table, ret_columns, error);
}

gboolean
entry_copy_target(const TocEntry *entry, char **ret_schema, char **ret_table, GError **error)
{
  g_auto(GStrv) table = NULL, columns = NULL;
  if (!read_copy(entry, &table, &columns, error))
    return FALSE;
  gboolean is_qualified = g_strv_length(table) == 2;
  *ret_schema = g_strdup(is_qualified ? table[0] : entry->namespace_name);
  *ret_table = g_strdup(table[is_qualified ? 1 : 0]);
  return TRUE;
}

char *
entry_copy_statement(const TocEntry *entry, GError **error)
{
  g_autofree char *schema = NULL, *table = NULL;
  if (!entry_copy_target(entry, &schema, &table, error))
    return NULL;
  const char *rest = entry->copy_stmt + strlen("COPY ");
  do
    g_free(entry_read_identifier(&rest));
  while (skip_word(&rest, "."));
  g_autofree char *target = pg_quote_qualified(schema, table);
  return g_strconcat("COPY ", target, rest, NULL);
}

gboolean
entry_is_tagged_by(const TocEntry *part, const TocEntry *table)
{
  gsize length = table->tag != NULL ? strlen(table->tag) : 0;
  return length > 0 && part->tag != NULL && strncmp(part->tag, table->tag, length) == 0 && part->tag[length] == ' ' &&
         g_strcmp0(part->namespace_name, table->namespace_name) == 0;
}

char *
entry_drop_if_exists(const TocEntry *entry)
{
  if (entry->drop_stmt == NULL || *entry->drop_stmt == '\0')
    return NULL;
  g_autofree char *verb = g_strdup_printf("DROP %s ", entry->desc);
  if (!g_str_has_prefix(entry->drop_stmt, verb))
    return NULL;
  return g_strdup_printf("%sIF EXISTS %s", verb, entry->drop_stmt + strlen(verb));
}

/* The object's name as ALTER … OWNER writes it (_getObjectDescription in pg_backup_archiver.c). */
static char *
owner_target(const TocEntry *entry)
{
  if (toc_entry_is(entry, TOC_KIND_BLOB))
    return g_strdup_printf("LARGE OBJECT %s", entry->tag);
  if (toc_entry_has(entry, TOC_OWNER_BY_NAME)) {
    const char *kind = toc_entry_has(entry, TOC_OWNER_AS_TABLE) ? "TABLE" : entry->desc;
    g_autofree char *name = entry->namespace_name != NULL && *entry->namespace_name != '\0'
                                ? pg_quote_qualified(entry->namespace_name, entry->tag)
                                : pg_quote_identifier(entry->tag);
    return g_strdup_printf("%s %s", kind, name);
  }
  if (toc_entry_has(entry, TOC_OWNER_BY_DROP) && entry->drop_stmt != NULL &&
      g_str_has_prefix(entry->drop_stmt, "DROP ")) {
    char *target = g_strdup(entry->drop_stmt + strlen("DROP "));
    gsize length = strlen(target);
    while (length > 0 && strchr(";\n", target[length - 1]) != NULL)
      target[--length] = '\0';
    return target;
  }
  return NULL;
}

char *
entry_owner_statement(const TocEntry *entry)
{
  if (entry->owner == NULL || *entry->owner == '\0' || entry->tag == NULL)
    return NULL;
  g_autofree char *target = owner_target(entry);
  if (target == NULL)
    return NULL;
  g_autofree char *owner = pg_quote_identifier(entry->owner);
  return g_strdup_printf("ALTER %s OWNER TO %s", target, owner);
}

/* The length of a dollar quote's tag at p ("$$", "$body$"), or 0. */
static gsize
dollar_tag_length(const char *p)
{
  gsize length = 1;
  while (g_ascii_isalnum(p[length]) || p[length] == '_' || (guchar)p[length] >= 0x80)
    length++;
  return p[length] == '$' && !g_ascii_isdigit(p[1]) ? length + 1 : 0;
}

static const char *
skip_quoted(const char *p, gboolean has_escapes)
{
  char quote = *p++;
  while (*p != '\0' && *p != quote)
    p += has_escapes && *p == '\\' && p[1] != '\0' ? 2 : 1;
  return *p != '\0' ? p + 1 : p;
}

/* Block comments nest. */
static const char *
skip_block_comment(const char *p)
{
  guint depth = 0;
  do {
    gboolean is_opening = p[0] == '/' && p[1] == '*';
    gboolean is_closing = p[0] == '*' && p[1] == '/';
    depth = depth + is_opening - is_closing;
    p += is_opening || is_closing ? 2 : 1;
  } while (depth > 0 && *p != '\0');
  return p;
}

/* Takes a word as a whole, because a "$" within it does not begin a quote. A word "E" before a quote means escapes. */
static const char *
skip_word_and_escapes(const char *p)
{
  const char *start = p;
  while (g_ascii_isalnum(*p) || *p == '_' || *p == '$' || (guchar)*p >= 0x80)
    p++;
  gboolean has_escapes = *p == '\'' && p == start + 1 && g_ascii_tolower(*start) == 'e';
  return has_escapes ? skip_quoted(p, TRUE) : p;
}

static const char *
skip_dollar_quoted(const char *p)
{
  gsize tag_length = dollar_tag_length(p);
  if (tag_length == 0)
    return p + 1;
  g_autofree char *tag = g_strndup(p, tag_length);
  const char *end = strstr(p + tag_length, tag);
  return end != NULL ? end + tag_length : p + strlen(p);
}

const char *
entry_skip_token(const char *p)
{
  if (*p == '\'' || *p == '"')
    return skip_quoted(p, FALSE);
  if (g_ascii_isalpha(*p) || *p == '_' || (guchar)*p >= 0x80)
    return skip_word_and_escapes(p);
  if (p[0] == '-' && p[1] == '-')
    return p + strcspn(p, "\n");
  if (p[0] == '/' && p[1] == '*')
    return skip_block_comment(p);
  return *p == '$' ? skip_dollar_quoted(p) : p + 1;
}

char **
entry_split_statements(const char *sql)
{
  g_autoptr(GStrvBuilder) statements = g_strv_builder_new();
  const char *start = sql;
  for (const char *p = start;; p = entry_skip_token(p)) {
    if (*p != ';' && *p != '\0')
      continue;
    g_autofree char *statement = g_strndup(start, (gsize)(p - start));
    if (*g_strstrip(statement) != '\0')
      g_strv_builder_add(statements, statement);
    if (*p == '\0')
      break;
    start = p + 1;
  }
  return g_strv_builder_end(statements);
}

static gboolean
is_word(const char *at, const char *end, const char *word)
{
  return (gsize)(end - at) == strlen(word) && g_ascii_strncasecmp(at, word, strlen(word)) == 0;
}

/* The place behind GRANT or REVOKE [GRANT OPTION FOR]; NULL without one. */
static const char *
find_privileges(const char *statement)
{
  static const char option[] = " GRANT OPTION FOR";
  for (const char *p = statement; *p != '\0';) {
    const char *end = entry_skip_token(p);
    gboolean is_revoke = is_word(p, end, "REVOKE");
    if (is_revoke && g_str_has_prefix(end, option))
      return end + strlen(option);
    if (is_revoke || is_word(p, end, "GRANT"))
      return end;
    p = end;
  }
  return NULL;
}

char **
entry_split_privileges(const char *statement)
{
  const char *list = find_privileges(statement);
  g_autoptr(GStrvBuilder) privileges = g_strv_builder_new();
  guint depth = 0;
  if (list == NULL)
    return g_new0(char *, 1);
  const char *rest = NULL;
  for (const char *p = list, *start = list; *p != '\0' && rest == NULL;) {
    const char *end = entry_skip_token(p);
    gboolean is_end = depth == 0 && is_word(p, end, "ON");
    if (*p == '(')
      depth++;
    else if (*p == ')' && depth > 0)
      depth--;
    if (is_end || (depth == 0 && *p == ',')) {
      g_autofree char *privilege = g_strndup(start, (gsize)(p - start));
      g_strv_builder_add(privileges, g_strstrip(privilege));
      start = end;
    }
    rest = is_end ? p : NULL;
    p = end;
  }
  g_auto(GStrv) names = g_strv_builder_end(privileges);
  g_autoptr(GStrvBuilder) statements = g_strv_builder_new();
  for (char **name = names; rest != NULL && *name != NULL; name++) {
    g_autofree char *one = g_strdup_printf("%.*s %s %s", (int)(list - statement), statement, *name, rest);
    g_strv_builder_add(statements, one);
  }
  return g_strv_builder_end(statements);
}

/* Parses a single-quoted literal, with E'' escapes if pg_dump used them. */
static char *
read_literal(const char **cursor)
{
  gboolean has_escapes = skip_word(cursor, "E");
  if (!skip_word(cursor, "'"))
    return NULL;
  GString *text = g_string_new(NULL);
  const char *p = *cursor;
  for (; *p != '\0'; p++) {
    if (*p == '\'' && *++p != '\'')
      break;
    if (*p == '\\' && has_escapes && p[1] != '\0')
      p++;
    g_string_append_c(text, *p);
  }
  *cursor = p;
  return g_string_free(text, FALSE);
}

/* Takes ownership of the name. */
static char *
qualify_sequence(const TocEntry *entry, char *sequence)
{
  const char *rest = sequence;
  g_autofree char *first = entry_read_identifier(&rest);
  if (first == NULL || *rest != '\0' || entry->namespace_name == NULL || *entry->namespace_name == '\0')
    return sequence;
  g_free(sequence);
  return pg_quote_qualified(entry->namespace_name, first);
}

gboolean
entry_sequence_set(const TocEntry *entry, EntrySequenceSet *ret_set, GError **error)
{
  const char *cursor = entry->defn != NULL ? entry->defn : "";
  g_autofree char *sequence = skip_word(&cursor, "SELECT pg_catalog.setval(") ? read_literal(&cursor) : NULL;
  if (sequence != NULL && skip_word(&cursor, ", ")) {
    gsize n_digits = strspn(cursor, "-0123456789");
    g_autofree char *digits = g_strndup(cursor, n_digits);
    gint64 value = 0;
    gboolean is_number = g_ascii_string_to_signed(digits, 10, G_MININT64, G_MAXINT64, &value, NULL);
    gboolean is_true = g_str_has_prefix(cursor + n_digits, ", true)");
    if (is_number && (is_true || g_str_has_prefix(cursor + n_digits, ", false)"))) {
      *ret_set = (EntrySequenceSet){
          .sequence = qualify_sequence(entry, g_steal_pointer(&sequence)), .value = value, .is_called = is_true};
      return TRUE;
    }
  }
  error_set(error, CCH_ERROR_ARCHIVE_UNSUPPORTED, "the value of sequence %s cannot be read", entry->tag);
  return FALSE;
}

void
entry_sequence_set_clear(EntrySequenceSet *set)
{
  g_clear_pointer(&set->sequence, g_free);
}

gboolean
entry_large_objects(const TocEntry *entry, GArray **ret_oids, GError **error)
{
  gboolean is_list = toc_entry_is(entry, TOC_KIND_BLOB_METADATA);
  const char *text = is_list ? entry->defn : entry->tag;
  g_auto(GStrv) words = g_strsplit_set(text != NULL ? text : "", " \n", -1);
  g_autoptr(GArray) oids = g_array_new(FALSE, FALSE, sizeof(guint32));
  for (char **word = words; *word != NULL; word++) {
    if (**word == '\0')
      continue;
    guint64 oid = 0;
    if (!g_ascii_string_to_unsigned(*word, 10, 1, G_MAXUINT32, &oid, NULL)) {
      error_set(error, CCH_ERROR_ARCHIVE_CORRUPT, "\"%.40s\" is not a large object's OID", *word);
      return FALSE;
    }
    guint32 value = (guint32)oid;
    g_array_append_val(oids, value);
  }
  *ret_oids = g_steal_pointer(&oids);
  return TRUE;
}

char *
entry_display_name(const TocEntry *entry)
{
  const char *tag = entry->tag != NULL ? entry->tag : "";
  g_autofree char *name = entry->namespace_name != NULL && *entry->namespace_name != '\0'
                              ? g_strdup_printf("%s.%s", entry->namespace_name, tag)
                              : g_strdup(tag);
  return g_utf8_make_valid(name, -1);
}

gboolean
entry_is_access(const TocEntry *entry)
{
  return toc_entry_has(entry, TOC_ACCESS);
}

char *
entry_encoding(const TocEntry *entry)
{
  static const char before[] = "SET client_encoding = '";
  if (!toc_entry_is(entry, TOC_KIND_ENCODING) || entry->defn == NULL || !g_str_has_prefix(entry->defn, before))
    return NULL;
  const char *name = entry->defn + strlen(before);
  return g_strndup(name, strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"));
}
