#include "backup/export/export_worker.h"

#include "base/error.h"

#include <string.h>

enum { LARGE_OBJECT_CHUNK_BYTES = 512 * 1024 };

struct ExportWorker {
  GThread *thread;
  guint number;
  PgConnection *connection;
  const ExportUnits *units;
  ExportQueue *queue;
  ExportText *text;
  ArchivePacker *packer;
  RowHash *hash;
  guint8 *block; /* of ARCHIVE_PIECE_BYTES */
};

typedef enum { STEP_DONE, STEP_STOPPED, STEP_FAILED } Step;

/* Compresses bytes and pushes them; `marks` describes them. */
static Step
hand_over(ExportWorker *worker, const guint8 *data, gsize size, const ExportPiece *marks, GError **error)
{
  ExportPiece *piece = export_queue_borrow(worker->queue);
  ArchivePiece packed = piece->piece;
  if (!archive_packer_pack(worker->packer, data, size, &packed, error)) {
    piece->piece = packed;
    export_queue_return(worker->queue, piece);
    return STEP_FAILED;
  }
  *piece = *marks;
  piece->piece = packed;
  return export_queue_push(worker->queue, worker->number, piece) ? STEP_DONE : STEP_STOPPED;
}

/* Fills the block from `have` on; FALSE with *ret_is_end at the end of the COPY. */
static gboolean
fill_block(ExportWorker *worker, gsize *have, gboolean *ret_is_end, GError **error)
{
  *ret_is_end = FALSE;
  while (*have < ARCHIVE_PIECE_BYTES) {
    gssize n =
        pg_connection_copy_out_read(worker->connection, worker->block + *have, ARCHIVE_PIECE_BYTES - *have, error);
    if (n < 0)
      return FALSE;
    if (n == 0) {
      *ret_is_end = TRUE;
      return TRUE;
    }
    *have += (gsize)n;
  }
  return TRUE;
}

/* Copies the rows of one COPY in pieces that end at a row's end, unless the row is longer than a piece. */
static Step
copy_rows(ExportWorker *worker, guint unit, GError **error)
{
  ExportTextState text_state = {0};
  guint entry = g_array_index(worker->units->units, ExportUnit, unit).entry;
  gsize have = 0;
  for (;;) {
    gboolean is_end;
    if (!fill_block(worker, &have, &is_end, error))
      return STEP_FAILED;
    const guint8 *newline = is_end ? NULL : memrchr(worker->block, '\n', have);
    gsize size = newline != NULL ? (gsize)(newline - worker->block) + 1 : have;
    ExportPiece marks = {.unit = unit, .is_unit_end = is_end, .is_row_cut = !is_end && newline == NULL};
    row_hash_push(worker->hash, worker->block, size);
    export_text_check(worker->text, &text_state, entry, worker->block, size, marks.is_row_cut);
    if (!marks.is_row_cut)
      marks.totals = row_hash_take(worker->hash);
    Step step = hand_over(worker, worker->block, size, &marks, error);
    if (step != STEP_DONE || is_end)
      return step;
    have -= size;
    memmove(worker->block, worker->block + size, have);
  }
}

static Step
copy_table(ExportWorker *worker, guint number, const ExportUnit *unit, GError **error)
{
  if (!pg_connection_copy_out_begin(worker->connection, unit->sql, error))
    return STEP_FAILED;
  Step step = copy_rows(worker, number, error);
  if (step == STEP_STOPPED)
    pg_connection_copy_out_abort(worker->connection);
  return step;
}

/* Decodes bytea's "\x0123"; -1 if it is malformed. */
static gssize
decode_hex(const char *text, guint8 *ret_bytes, gsize max)
{
  if (text == NULL || text[0] != '\\' || text[1] != 'x')
    return -1;
  gsize n = 0;
  for (text += 2; text[0] != '\0'; text += 2, n++) {
    int high = g_ascii_xdigit_value(text[0]), low = g_ascii_xdigit_value(text[1]);
    if (high < 0 || low < 0 || n == max)
      return -1;
    ret_bytes[n] = (guint8)(high << 4 | low);
  }
  return (gssize)n;
}

/* Reads up to a chunk of a large object into the block. */
static gssize
read_large_object(ExportWorker *worker, guint32 oid, guint64 offset, GError **error)
{
  g_autofree char *sql = g_strdup_printf("SELECT pg_catalog.lo_get('%u'::pg_catalog.oid, %" G_GUINT64_FORMAT ", %d)",
                                         oid, offset, LARGE_OBJECT_CHUNK_BYTES);
  g_autoptr(PgResult) result = pg_connection_query(worker->connection, error, sql, 0);
  if (result == NULL) {
    g_prefix_error(error, "large object %u: ", oid);
    return -1;
  }
  gssize n = decode_hex(pg_result_text(result, 0, 0), worker->block, LARGE_OBJECT_CHUNK_BYTES);
  if (n < 0)
    error_set(error, CCH_ERROR_EXPORT_FAILED, "large object %u: the server's answer is no bytea in hexadecimal", oid);
  return n;
}

static Step
copy_large_object(ExportWorker *worker, ExportPiece *marks, GError **error)
{
  guint64 offset = 0;
  marks->is_object_start = TRUE;
  do {
    gssize n = read_large_object(worker, marks->large_object, offset, error);
    if (n < 0)
      return STEP_FAILED;
    marks->is_object_end = n < LARGE_OBJECT_CHUNK_BYTES;
    marks->totals.bytes = (guint64)n;
    Step step = hand_over(worker, worker->block, (gsize)n, marks, error);
    if (step != STEP_DONE)
      return step;
    marks->is_object_start = FALSE;
    offset += (guint64)n;
  } while (!marks->is_object_end);
  return STEP_DONE;
}

static Step
copy_large_objects(ExportWorker *worker, guint unit, const GArray *oids, GError **error)
{
  ExportPiece marks = {.unit = unit};
  for (guint i = 0; i < oids->len; i++) {
    marks.large_object = g_array_index(oids, guint32, i);
    Step step = copy_large_object(worker, &marks, error);
    if (step != STEP_DONE)
      return step;
  }
  ExportPiece end = {.unit = unit, .is_unit_end = TRUE};
  return hand_over(worker, worker->block, 0, &end, error);
}

static gpointer
run_worker(gpointer data)
{
  ExportWorker *worker = data;
  g_autoptr(GError) error = NULL;
  Step step = STEP_DONE;
  for (guint number; step == STEP_DONE && export_queue_next_unit(worker->queue, &number);) {
    const ExportUnit *unit = &g_array_index(worker->units->units, ExportUnit, number);
    const ExportEntry *entry = &g_array_index(worker->units->entries, ExportEntry, unit->entry);
    step = entry->is_large_objects ? copy_large_objects(worker, number, entry->oids, &error)
                                   : copy_table(worker, number, unit, &error);
    if (step == STEP_FAILED)
      g_prefix_error(&error, "%s: ", entry->is_large_objects ? "large objects" : entry->toc->tag);
  }
  /* The other connections have their own transactions. */
  if (step == STEP_DONE)
    pg_connection_exec(worker->connection, "COMMIT", NULL);
  if (step == STEP_FAILED)
    export_queue_stop(worker->queue, error);
  return NULL;
}

ExportWorker *
export_worker_start(guint number, PgConnection *connection, const ExportUnits *units, ExportQueue *queue,
                    ExportText *text, ArchiveLevel level)
{
  ExportWorker *worker = g_new0(ExportWorker, 1);
  worker->number = number;
  worker->connection = connection;
  worker->units = units;
  worker->queue = queue;
  worker->text = text;
  worker->packer = archive_packer_new(level);
  worker->hash = row_hash_new();
  worker->block = g_malloc(ARCHIVE_PIECE_BYTES);
  worker->thread = g_thread_new("export", run_worker, worker);
  return worker;
}

void
export_worker_free(ExportWorker *worker)
{
  if (worker == NULL)
    return;
  g_thread_join(worker->thread);
  archive_packer_free(worker->packer);
  row_hash_free(worker->hash);
  g_free(worker->block);
  g_free(worker);
}
