/* A database file: SQLite behind a few calls. The only file of the tree that sees SQLite.
 *
 * Synchronous: every call may wait for the disk, so only the journal's own thread, tests and
 * commands that read call it. One store belongs to one thread at a time.
 * Results: JIG_OK; JIG_EDUPLICATE (a unique index refused the row), JIG_EBUSY (another process kept
 * the lock longer than `patience`), JIG_ENOTFOUND (no such file), JIG_EDENIED (permissions, or a
 * read-only file system), JIG_EINVALID (not a database, damaged, or of a later version),
 * JIG_ESYSTEM (disk full, I/O error: the text says which), JIG_ENOMEM.
 */
#ifndef JIG_CORE_STORE_H
#define JIG_CORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

struct jig_store;
struct jig_query;

enum jig_store_mode {
    JIG_STORE_WRITE,  /* made when it is missing: mode 0640 less the umask; an empty file gets WAL
                         mode, any other keeps its own; synchronous=FULL */
    JIG_STORE_READ,   /* an existing file; nothing of it is changed. One on a medium that cannot
                         be written is read, too, unless a WAL is beside it */
    JIG_STORE_MEMORY, /* in memory; `path` is not looked at */
    JIG_STORE_SHARED, /* in memory, too, and the same for all stores of this process that are open
                         under this path; gone with the last of them. JIG_EINVALID unless the path
                         begins with '/' */
    JIG_STORE_JOINED, /* one that others share. JIG_ENOTFOUND when nobody does, or it is empty */
};

/* Opens a store. `patience`: seconds to wait for another process's lock. NULL with *err. */
struct jig_store *jig_store_open(const char *path, enum jig_store_mode mode, double patience,
                                 struct jig_error *err);
/* Closes it; a transaction that is open is rolled back. All its queries must be free. The WAL stays
 * beside the file: the next open reads it, and a checkpoint at each end would cost two syncs. It is
 * checkpointed by the commit that makes it longer than 1000 pages. NULL is harmless. */
void jig_store_close(struct jig_store *store);

/* Runs statements without results, separated by ';'. */
int jig_store_exec(struct jig_store *store, const char *sql, struct jig_error *err);

/* A transaction: begin takes the write lock at once; end commits when `keep`, else rolls back. A
 * commit that fails is rolled back. With synchronous=FULL what was committed is durable. */
int jig_store_begin(struct jig_store *store, struct jig_error *err);
int jig_store_end(struct jig_store *store, bool keep, struct jig_error *err);

/* Within a transaction: what comes after the mark can be undone alone. Marks do not nest. */
int jig_store_mark(struct jig_store *store, struct jig_error *err);
int jig_store_unmark(struct jig_store *store, bool keep, struct jig_error *err);

/* ---- queries: prepared once, used often ---- */

/* NULL with *err; a mistake in the SQL is JIG_EMISUSE. `lasting`: it will be used again. */
struct jig_query *jig_query_new(struct jig_store *store, const char *sql, bool lasting,
                                struct jig_error *err);
void jig_query_free(struct jig_query *query);             /* NULL is harmless */
const char *jig_query_sql(const struct jig_query *query); /* as it was given */

/* Parameters are numbered from 1. Text and bytes must live until the query is reset. NULL text is
 * NULL. */
void jig_query_bind_text(struct jig_query *query, int index, const char *text, size_t n);
void jig_query_bind_bytes(struct jig_query *query, int index, const void *bytes, size_t n);
void jig_query_bind_integer(struct jig_query *query, int index, int64_t value);
void jig_query_bind_real(struct jig_query *query, int index, double value);
void jig_query_bind_null(struct jig_query *query, int index);
int jig_query_parameters(const struct jig_query *query);

/* 1 = a row can be read, 0 = there are no more; else an error. */
int jig_query_step(struct jig_query *query, struct jig_error *err);
/* Steps a query without rows to its end and resets it. */
int jig_query_run(struct jig_query *query, struct jig_error *err);
void jig_query_reset(struct jig_query *query); /* ready for other parameters, which are cleared */

/* ---- columns of the present row, from 0 ---- */

enum jig_column {
    JIG_COLUMN_NULL,
    JIG_COLUMN_INTEGER,
    JIG_COLUMN_REAL,
    JIG_COLUMN_TEXT,
    JIG_COLUMN_BYTES
};
int jig_query_columns(const struct jig_query *query);
const char *jig_query_name(const struct jig_query *query, int column);
enum jig_column jig_query_type(const struct jig_query *query, int column);
int64_t jig_query_integer(struct jig_query *query, int column);
double jig_query_real(struct jig_query *query, int column);
/* Text or bytes, valid until the next step or reset; *n is set. NULL for NULL. */
const char *jig_query_text(struct jig_query *query, int column, size_t *n);

/* Rows that the latest statement inserted, changed or removed. */
int64_t jig_store_changes(const struct jig_store *store);

/* The path as it was given, or words for one in memory. */
const char *jig_store_path(const struct jig_store *store);

/* "3.40.1" */
const char *jig_store_version(void);

#endif
