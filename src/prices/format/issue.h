/* Errors and warnings about a model, as text for people. */
#pragma once

#include "base/language.h"

#include <glib.h>

typedef enum {
  /* The model is refused: listed in `failed`. */
  PRICE_NOT_A_TABLE,
  PRICE_NAME_EMPTY,
  PRICE_NAME_TWICE,
  PRICE_NAME_TOO_LONG,
  PRICE_NAME_UNUSABLE,
  PRICE_NO_MODE,
  PRICE_COST_NOT_A_NUMBER,
  PRICE_COST_NEGATIVE,
  PRICE_NOT_FINITE,
  PRICE_NUMBER_OUT_OF_RANGE,
  PRICE_FIELD_TWICE,
  PRICE_TEXT_UNUSABLE,
  PRICE_VENDOR_TOO_LONG,
  PRICE_NOTHING_BILLABLE,
  PRICE_ENTRY_UNREADABLE,
  /* The model is stored nevertheless: listed in `warnings`. */
  PRICE_COST_IS_NULL,
  PRICE_LOOKS_PER_MILLION,
  PRICE_MOVED_TENFOLD,
  PRICE_MOVED_TO_ZERO,
  PRICE_NOT_IN_DOLLARS,
  /* The change is held back. */
  PRICE_MOVED_BEYOND_LIMIT,
  PRICE_MOVED_FROM_ZERO,
  PRICE_CHANGE_REJECTED,
  PRICE_ISSUE_COUNT
} PriceIssueCode;

typedef struct {
  PriceIssueCode code;
  char *model;
  char *field;       /* "tiered_pricing[1].input_cost_per_token"; NULL: the model as a whole */
  char *value, *old; /* as JSON; NULL if there is none */
} PriceIssue;

/* An array of PriceIssue that clears its elements. */
GArray *price_issues_new(void);
/* Copies the texts. */
void price_issues_add(GArray *issues, PriceIssueCode code, const char *model, const char *field, const char *value,
                      const char *old);

/* "cost_negative": stable, for programs. */
const char *price_issue_code_name(PriceIssueCode code);
/* A sentence; free with g_free. */
char *price_issue_text(const PriceIssue *issue, Language language);
/* Appends [{"modelName", "code", "field", "reason"}, …]. */
void price_issues_to_json(const GArray *issues, Language language, GString *out);
