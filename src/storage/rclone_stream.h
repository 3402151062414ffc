/* A download by rclone, taken up where it breaks. Private to the room. */
#pragma once

#include "storage/rclone_run.h"
#include "storage/stream.h"

/* The file must have `n_bytes`; STORAGE_DAMAGED while reading if it gives others. `rclone` must outlive the stream. */
StorageStream *rclone_stream_open(Rclone *rclone, const char *name, guint64 n_bytes);
