/* Features in a plan's statements that only newer servers have. */
#include "backup/plan/entry_sql.h"
#include "backup/plan/plan.h"

#include <string.h>

enum { MAX_NAMED = 10, MAX_WORDS = 6, MAX_KINDS = 4 };

/* A word, quoted name or single character of a statement, and how many parentheses enclose it. */
typedef struct {
  const char *start;
  gsize length;
  guint depth;
} Token;

static GArray *
tokens_of(const char *sql)
{
  GArray *tokens = g_array_new(FALSE, FALSE, sizeof(Token));
  guint depth = 0;
  for (const char *p = sql, *end; *p != '\0'; p = end) {
    end = entry_skip_token(p);
    if (g_ascii_isspace(*p) || (p[0] == '-' && p[1] == '-'))
      continue;
    if (*p == ')' && depth > 0)
      depth--;
    Token token = {p, (gsize)(end - p), depth};
    g_array_append_val(tokens, token);
    if (*p == '(')
      depth++;
  }
  return tokens;
}

/* pg_dump writes keywords in capitals, and quotes every name that contains one. */
static gboolean
is_word(const GArray *tokens, guint index, const char *word)
{
  if (index >= tokens->len)
    return FALSE;
  const Token *token = &g_array_index(tokens, Token, index);
  return token->length == strlen(word) && strncmp(token->start, word, token->length) == 0;
}

/* A feature of a major version, and the words that identify it. */
typedef struct {
  int since;
  const char *shown;
  TocKind kinds[MAX_KINDS]; /* of entries; TOC_KIND_NONE ends them */
  const char *words[MAX_WORDS];
} Feature;

/* The keywords of gram.y, as pg_dump writes them. */
static const Feature features[] = {
    {18,
     "NOT ENFORCED",
     {TOC_KIND_TABLE, TOC_KIND_CONSTRAINT, TOC_KIND_CHECK_CONSTRAINT, TOC_KIND_FK_CONSTRAINT},
     {"NOT", "ENFORCED"}},
    {18, "WITHOUT OVERLAPS", {TOC_KIND_CONSTRAINT}, {"WITHOUT", "OVERLAPS"}},
    {18, "PERIOD", {TOC_KIND_FK_CONSTRAINT}, {"PERIOD"}},
    {18, "NOT NULL … NO INHERIT", {TOC_KIND_TABLE}, {"NOT", "NULL", "NO", "INHERIT"}},
    {15, "NULLS NOT DISTINCT", {TOC_KIND_CONSTRAINT, TOC_KIND_INDEX}, {"NULLS", "NOT", "DISTINCT"}},
    {14, "BEGIN ATOMIC", {TOC_KIND_FUNCTION, TOC_KIND_PROCEDURE}, {"BEGIN", "ATOMIC"}},
    {14, "SET COMPRESSION", {TOC_KIND_TABLE, TOC_KIND_MATERIALIZED_VIEW}, {"SET", "COMPRESSION"}},
    {15, "FOR TABLES IN SCHEMA", {TOC_KIND_PUBLICATION_TABLES_IN_SCHEMA}, {"ADD", "TABLES", "IN", "SCHEMA"}},
};

static gboolean
begins_here(const GArray *tokens, guint index, const Feature *feature)
{
  for (guint i = 0; i < MAX_WORDS && feature->words[i] != NULL; i++)
    if (!is_word(tokens, index + i, feature->words[i]))
      return FALSE;
  return TRUE;
}

static gboolean
is_of_kinds(const Feature *feature, TocKind kind)
{
  for (guint i = 0; i < MAX_KINDS && feature->kinds[i] != TOC_KIND_NONE; i++)
    if (feature->kinds[i] == kind)
      return TRUE;
  return FALSE;
}

typedef struct {
  GString *list;
  guint n;
  int server;
} Findings;

static void
add_finding(Findings *findings, const TocEntry *entry, const char *column, const char *shown, int since)
{
  if (since <= findings->server)
    return;
  g_autofree char *name = entry_display_name(entry);
  g_autofree char *finding = g_strdup_printf("%s%s%s: %s (PostgreSQL %d)", name, column != NULL ? "." : "",
                                             column != NULL ? column : "", shown, since);
  if (g_str_has_suffix(findings->list->str, finding) || findings->n++ >= MAX_NAMED)
    return;
  g_string_append_printf(findings->list, "%s%s", findings->n > 1 ? "; " : "", finding);
}

/* The column or constraint of CREATE TABLE that the token belongs to: the first token of its item. */
static char *
item_of(const GArray *tokens, guint index)
{
  guint first = index;
  while (first > 0) {
    const Token *before = &g_array_index(tokens, Token, first - 1);
    gboolean is_start = (*before->start == '(' && before->depth == 0) || (*before->start == ',' && before->depth == 1);
    if (is_start)
      break;
    first--;
  }
  if (first == 0)
    return NULL;
  first += is_word(tokens, first, "CONSTRAINT") ? 1 : 0;
  const char *cursor = g_array_index(tokens, Token, first).start;
  return entry_read_identifier(&cursor);
}

/* GENERATED ALWAYS AS (…) without STORED. */
static gboolean
is_virtual_column(const GArray *tokens, guint index)
{
  if (!is_word(tokens, index, "GENERATED") || !is_word(tokens, index + 1, "ALWAYS") ||
      !is_word(tokens, index + 2, "AS") || !is_word(tokens, index + 3, "("))
    return FALSE;
  guint depth = g_array_index(tokens, Token, index + 3).depth;
  for (guint i = index + 4; i < tokens->len; i++)
    if (g_array_index(tokens, Token, i).depth == depth && is_word(tokens, i, ")"))
      return !is_word(tokens, i + 1, "STORED");
  return FALSE;
}

/* A named NOT NULL constraint that does not follow a column definition: "ADD CONSTRAINT n NOT NULL a", or the item
 * "CONSTRAINT n NOT NULL a" of CREATE TABLE. */
static gboolean
is_named_not_null(const GArray *tokens, guint index)
{
  return is_word(tokens, index, "CONSTRAINT") && is_word(tokens, index + 2, "NOT") &&
         is_word(tokens, index + 3, "NULL") &&
         (is_word(tokens, index - 1, "ADD") || is_word(tokens, index - 1, ",") || is_word(tokens, index - 1, "("));
}

static void
look_at(Findings *findings, const TocEntry *entry)
{
  TocKind kind = toc_entry_kind(entry);
  gboolean is_table = toc_entry_is(entry, TOC_KIND_TABLE) || toc_entry_is(entry, TOC_KIND_FOREIGN_TABLE);
  g_autoptr(GArray) tokens = tokens_of(entry->defn);
  for (guint i = 0; i < tokens->len; i++) {
    if (is_table && is_virtual_column(tokens, i)) {
      g_autofree char *column = item_of(tokens, i);
      add_finding(findings, entry, column, "GENERATED … VIRTUAL", 18);
    }
    if (i > 0 && is_named_not_null(tokens, i)) {
      g_autofree char *constraint = is_table ? item_of(tokens, i) : NULL;
      add_finding(findings, entry, constraint, "CONSTRAINT … NOT NULL", 18);
    }
    for (guint f = 0; f < G_N_ELEMENTS(features); f++) {
      const Feature *feature = &features[f];
      if (feature->since <= findings->server || !is_of_kinds(feature, kind) || !begins_here(tokens, i, feature))
        continue;
      g_autofree char *item = toc_entry_is(entry, TOC_KIND_TABLE) ? item_of(tokens, i) : NULL;
      add_finding(findings, entry, item, feature->shown, feature->since);
    }
  }
}

char *
restore_plan_beyond_server(const RestorePlan *plan, int server_version)
{
  Findings findings = {.list = g_string_new(NULL), .server = server_version / 10000};
  for (guint i = 0; i < plan->steps->len; i++) {
    const RestoreStep *step = &g_array_index(plan->steps, RestoreStep, i);
    if (step->kind == STEP_SQL)
      look_at(&findings, step->entry);
  }
  if (findings.n > MAX_NAMED)
    g_string_append_printf(findings.list, "; … (%u)", findings.n);
  if (findings.n > 0)
    return g_string_free(findings.list, FALSE);
  g_string_free(findings.list, TRUE);
  return NULL;
}
