/* Writes a read archive anew, to test the writer against the reader and against stock pg_restore. */
#pragma once

#include "archive/read/reader.h"
#include "archive/write/packer.h"

/* The whole archive behind the reader (checked or scanned) at another level, its data cut into pieces of
 * `piece_bytes`. `shuffles`: entries come in reversed order. Fails the test on an error. */
GByteArray *archive_repack(ArchiveReader *reader, ArchiveLevel level, gsize piece_bytes, gboolean shuffles);
