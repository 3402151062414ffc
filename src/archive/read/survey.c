#include "archive/read/survey.h"

#include "archive/read/reader_state.h"
#include "base/error.h"
#include "base/os/processors.h"

#define PROGRESS_STEP_BYTES (1024 * 1024)

/* Shared by the threads. */
typedef struct {
  ArchiveReader *reader; /* each info is written by the thread that has read the entry */
  GPtrArray *entries;    /* with data, the largest first */
  guint next;            /* index into entries; atomic */
  gint has_failed;       /* atomic: the other threads may stop */
  RowTotals *totals;
  GCancellable *cancellable;

  GMutex mutex; /* guards the members below */
  GError *error;
  ArchiveProgressFunc progress;
  gpointer user_data;
  guint64 bytes_done;
} Survey;

typedef struct {
  Survey *survey;
  ArchiveReader *reader;
  RowHash *hash;
  gboolean is_copy_text;
  guint64 reported; /* position in the file up to which progress was reported */
} Surveyor;

static void
report(Surveyor *surveyor, guint64 position)
{
  Survey *survey = surveyor->survey;
  g_mutex_lock(&survey->mutex);
  survey->bytes_done += position - surveyor->reported;
  if (survey->progress != NULL)
    survey->progress(survey->bytes_done, wire_source_size(surveyor->reader->source), survey->user_data);
  g_mutex_unlock(&survey->mutex);
  surveyor->reported = position;
}

static gboolean
take_data(const guint8 *data, gsize size, gpointer user_data, GError **error)
{
  Surveyor *surveyor = user_data;
  if (surveyor->is_copy_text)
    row_hash_push(surveyor->hash, data, size);
  guint64 position = wire_source_position(surveyor->reader->source);
  if (position - surveyor->reported >= PROGRESS_STEP_BYTES)
    report(surveyor, position);
  if (!g_atomic_int_get(&surveyor->survey->has_failed))
    return TRUE;
  error_set(error, CCH_ERROR_CANCELLED, "another part of the archive is damaged");
  return FALSE;
}

static gboolean
read_entry(Surveyor *surveyor, const TocEntry *entry, GError **error)
{
  Survey *survey = surveyor->survey;
  ArchiveDataInfo *info = reader_info(survey->reader, entry);
  surveyor->is_copy_text = entry->copy_stmt != NULL && entry->copy_stmt[0] != '\0';
  surveyor->reported = info->position;
  if (!archive_reader_read_data(surveyor->reader, entry, take_data, NULL, surveyor, survey->cancellable, error))
    return FALSE;
  survey->totals[entry - archive_reader_entry(survey->reader, 0)] = row_hash_take(surveyor->hash);
  *info = *archive_reader_data_info(surveyor->reader, entry);
  report(surveyor, info->end_position);
  return TRUE;
}

static gboolean
read_entries(Surveyor *surveyor, GError **error)
{
  Survey *survey = surveyor->survey;
  for (;;) {
    guint index = (guint)g_atomic_int_add((gint *)&survey->next, 1);
    if (index >= survey->entries->len)
      return TRUE;
    if (!read_entry(surveyor, survey->entries->pdata[index], error))
      return FALSE;
  }
}

static void
survey_fail(Survey *survey, GError *error)
{
  g_mutex_lock(&survey->mutex);
  if (survey->error == NULL)
    survey->error = g_steal_pointer(&error);
  g_mutex_unlock(&survey->mutex);
  g_atomic_int_set(&survey->has_failed, TRUE);
  g_clear_error(&error);
}

static gpointer
run_surveyor(gpointer user_data)
{
  Survey *survey = user_data;
  GError *error = NULL;
  g_autoptr(RowHash) hash = row_hash_new();
  g_autoptr(ArchiveReader) reader = archive_reader_clone(survey->reader);
  Surveyor surveyor = {.survey = survey, .reader = reader, .hash = hash};
  if (!read_entries(&surveyor, &error))
    survey_fail(survey, error);
  return NULL;
}

static gint
compare_sizes(gconstpointer a, gconstpointer b, gpointer reader)
{
  guint64 one = archive_reader_data_info(reader, *(const TocEntry *const *)a)->stored_bytes;
  guint64 other = archive_reader_data_info(reader, *(const TocEntry *const *)b)->stored_bytes;
  return one > other ? -1 : one < other;
}

static GPtrArray *
sort_by_size(ArchiveReader *reader)
{
  GPtrArray *entries = g_ptr_array_new();
  for (guint i = 0; i < archive_reader_n_entries(reader); i++) {
    if (reader->infos[i].is_present)
      g_ptr_array_add(entries, (gpointer)archive_reader_entry(reader, i));
  }
  g_ptr_array_sort_with_data(entries, compare_sizes, reader);
  return entries;
}

gboolean
archive_survey(ArchiveReader *reader, guint n_threads, RowTotals *ret_totals, ArchiveProgressFunc progress,
               gpointer user_data, GCancellable *cancellable, GError **error)
{
  guint n_entries = archive_reader_n_entries(reader);
  g_autofree RowTotals *totals = g_new0(RowTotals, n_entries);
  g_autoptr(GPtrArray) entries = sort_by_size(reader);
  Survey survey = {.reader = reader,
                   .entries = entries,
                   .totals = totals,
                   .cancellable = cancellable,
                   .progress = progress,
                   .user_data = user_data,
                   .bytes_done = reader->toc->data_start};
  g_mutex_init(&survey.mutex);
  guint wanted = n_threads > 0 ? n_threads : processors_usable();
  g_autoptr(GPtrArray) threads = g_ptr_array_new();
  for (guint i = 0; i < MIN(wanted, entries->len); i++)
    g_ptr_array_add(threads, g_thread_new("survey", run_surveyor, &survey));
  g_ptr_array_foreach(threads, (GFunc)(gpointer)g_thread_join, NULL);
  g_mutex_clear(&survey.mutex);
  if (survey.error != NULL) {
    g_propagate_error(error, survey.error);
    return FALSE;
  }
  for (guint i = 0; i < n_entries; i++)
    ret_totals[i] = totals[i];
  return TRUE;
}
