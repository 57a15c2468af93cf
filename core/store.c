/* A database file by SQLite.
 *
 * One connection, without SQLite's own mutexes: a store belongs to one thread at a time. In WAL
 * mode a writer that has begun never meets a lock again, so all waiting is done by "begin".
 *
 * Closing never checkpoints. A WAL of 1000 pages, at which a commit checkpoints, costs 2 ms at the
 * next opening, an average one half of that; a checkpoint at the end costs two syncs: 4 ms where a
 * sync takes one, 20 and more on slow disks, and at every end.
 */
#include "core/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

enum word { BEGIN, COMMIT, MARK, RELEASE, BACK, WORDS };

struct jig_store {
    sqlite3 *db;
    sqlite3_stmt *words[WORDS]; /* prepared on first use */
    char *path;                 /* as the caller gave it, for messages */
    double patience;
};

struct jig_query {
    struct jig_store *store;
    sqlite3_stmt *statement;
    int failed; /* of a bind: told by the next step */
};

/* ---- errors ---- */

static int fail_io(struct jig_store *s, int extended, int sys, struct jig_error *err)
{
    if (extended == SQLITE_IOERR_NOMEM || extended == SQLITE_IOERR_SHMMAP)
        return jig_fail(err, JIG_ENOMEM, "no memory for %s", s->path);
    if (sys == ENOSPC || sys == EDQUOT)
        return jig_fail(err, JIG_ESYSTEM, "the disk is full: free space on the file system of %s",
                        s->path);
    return jig_fail(err, JIG_ESYSTEM, "the disk of %s fails (%s%s%s): look into the system's log",
                    s->path, sqlite3_errstr(extended), sys ? ", " : "", sys ? strerror(sys) : "");
}

static int fail_open(struct jig_store *s, int sys, struct jig_error *err)
{
    struct stat st;
    if (!sys && stat(s->path, &st) == 0)
        sys = S_ISDIR(st.st_mode) ? EISDIR : EACCES;
    if (sys == EACCES || sys == EPERM || sys == EROFS)
        return jig_fail(err, JIG_EDENIED, "%s cannot be opened: allow it and its folder", s->path);
    return jig_fail_sys(err, sys ? sys : ENOENT, "cannot open %s", s->path);
}

static int fail_constraint(struct jig_store *s, int extended, struct jig_error *err)
{
    enum jig_err code = extended == SQLITE_CONSTRAINT_UNIQUE ||
                                extended == SQLITE_CONSTRAINT_PRIMARYKEY ||
                                extended == SQLITE_CONSTRAINT_ROWID
                            ? JIG_EDUPLICATE
                            : JIG_EMISUSE;
    return jig_fail(err, code, "%s", sqlite3_errmsg(s->db));
}

/* Fills *err with what the connection says about its latest call. */
static int fail(struct jig_store *s, struct jig_error *err)
{
    int extended = sqlite3_extended_errcode(s->db), sys = sqlite3_system_errno(s->db);
    switch (extended & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return jig_fail(err, JIG_EBUSY, "another process has held the lock on %s for %g s", s->path,
                        s->patience);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return jig_fail(err, JIG_EDENIED, "%s cannot be written: allow it and its folder", s->path);
    case SQLITE_CANTOPEN:
        return fail_open(s, sys, err);
    case SQLITE_FULL:
        return fail_io(s, SQLITE_FULL, ENOSPC, err);
    case SQLITE_IOERR:
        return fail_io(s, extended, sys, err);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return jig_fail(err, JIG_EINVALID, "%s is damaged or no database: %s", s->path,
                        sqlite3_errmsg(s->db));
    case SQLITE_CONSTRAINT:
        return fail_constraint(s, extended, err);
    case SQLITE_NOMEM:
        return jig_fail(err, JIG_ENOMEM, "no memory for %s", s->path);
    case SQLITE_TOOBIG:
        return jig_fail(err, JIG_ELIMIT, "too long for %s", s->path);
    default:
        return jig_fail(err, JIG_EMISUSE, "%s", sqlite3_errmsg(s->db));
    }
}

/* ---- opening ---- */

/* Makes a missing file, whose mode SQLite would choose otherwise. A file that exists is not
 * touched: closing a descriptor of it would drop this process's locks on it. */
static int make_file(const char *path, struct jig_error *err)
{
    struct stat st;
    if (stat(path, &st) == 0 || errno != ENOENT)
        return 0; /* what else is wrong SQLite will find */
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return jig_fail_sys(err, errno, "cannot make %s", path);
    close(fd);
    return 0;
}

/* SQLite would wait for the other end of a FIFO, and go on when a signal comes. */
static int check_file(const char *path, struct jig_error *err)
{
    struct stat st;
    if (stat(path, &st) < 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
        return 0; /* what else is wrong SQLite will find */
    return jig_fail(err, JIG_EINVALID, "%s is no regular file: name another path", path);
}

/* SQLite takes some names for something else (":memory:", "file:..."); none of them begins with a
 * folder. */
static int open_file(struct jig_store *s, int flags, struct jig_error *err)
{
    char *name = NULL;
    if (asprintf(&name, "%s%s", s->path[0] == '/' ? "" : "./", s->path) < 0)
        return jig_fail(err, JIG_ENOMEM, "no memory to open %s", s->path);
    int rc = sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    free(name);
    if (rc == SQLITE_OK)
        return 0;
    return s->db ? fail(s, err) : jig_fail(err, JIG_ENOMEM, "no memory to open %s", s->path);
}

/* Checkpoints at close stay off; temporary tables live in memory. */
static int configure(struct jig_store *s, enum jig_store_mode mode, struct jig_error *err)
{
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, s->patience < 1e6 ? (int)(s->patience * 1000) : 1000000000);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    /* the second one looks into the file */
    int rc = jig_store_exec(s, "PRAGMA temp_store=MEMORY", err);
    return rc == 0 && mode == JIG_STORE_WRITE ? jig_store_exec(s, "PRAGMA synchronous=FULL", err)
                                              : rc;
}

/* Opens the path with a word to SQLite behind it. */
static int open_uri(struct jig_store *s, const char *query, int flags, struct jig_error *err)
{
    char *uri = malloc(3 * strlen(s->path) + strlen(query) + sizeof "file://"), *at;
    if (!uri)
        return jig_fail(err, JIG_ENOMEM, "no memory to open %s", s->path);
    at = stpcpy(uri, s->path[0] == '/' ? "file://" : "file:./");
    for (const char *p = s->path; *p; p++)
        at += sprintf(at, strchr("%?#", *p) ? "%%%02x" : "%c", (unsigned char)*p);
    strcpy(at, query);
    int rc = sqlite3_open_v2(uri, &s->db, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    free(uri);
    if (rc == SQLITE_OK)
        return 0;
    return s->db ? fail(s, err) : jig_fail(err, JIG_ENOMEM, "no memory to open %s", s->path);
}

/* A file on a medium that cannot be written, with no WAL beside it, is read as it is. */
static int open_immutable(struct jig_store *s, struct jig_error *err)
{
    sqlite3_close_v2(s->db);
    s->db = NULL;
    int rc = open_uri(s, "?immutable=1", SQLITE_OPEN_READONLY, err);
    return rc == 0 ? configure(s, JIG_STORE_READ, err) : rc;
}

/* Whether the file's WAL holds nothing. */
static bool wal_is_empty(const struct jig_store *s)
{
    char *name = NULL;
    struct stat st = {0};
    if (asprintf(&name, "%s-wal", s->path) < 0)
        return false;
    bool empty = stat(name, &st) == 0 ? st.st_size == 0 : errno == ENOENT;
    free(name);
    return empty;
}

static int64_t ask(struct jig_store *s, const char *pragma, int *rc)
{
    sqlite3_stmt *statement = NULL;
    int64_t answer = 0;
    *rc = sqlite3_prepare_v2(s->db, pragma, -1, &statement, NULL);
    if (*rc == SQLITE_OK)
        *rc = sqlite3_step(statement);
    if (*rc == SQLITE_ROW)
        answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return answer;
}

/* Under any other path SQLite would give each its own. */
static int open_shared(struct jig_store *s, enum jig_store_mode mode, struct jig_error *err)
{
    if (s->path[0] != '/')
        return jig_fail(err, JIG_EINVALID,
                        "a database in memory is shared under a path that begins with '/': %s",
                        s->path);
    int rc = open_uri(s, "?vfs=memdb", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    if (rc == 0)
        rc = configure(s, mode, err);
    if (rc < 0 || mode == JIG_STORE_SHARED)
        return rc;
    int64_t pages = ask(s, "PRAGMA page_count", &rc);
    if (rc != SQLITE_ROW)
        return fail(s, err);
    return pages ? 0 : jig_fail(err, JIG_ENOTFOUND, "nobody has %s in memory", s->path);
}

/* An empty file becomes a database in WAL mode. SQLite does not wait for the lock that this needs
 * when two do it at once: it is asked again. */
static int make_wal(struct jig_store *s, struct jig_error *err)
{
    int rc;
    if (ask(s, "PRAGMA page_count", &rc) > 0)
        return 0;
    for (double waited = 0; rc == SQLITE_ROW || (rc & 0xFF) == SQLITE_BUSY; waited += 0.002) {
        rc = sqlite3_exec(s->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
        if (rc == SQLITE_OK)
            return 0;
        if (waited >= s->patience)
            break;
        usleep(2000);
    }
    return fail(s, err);
}

/* The first look into the file, which is where most of what is wrong with it shows. */
static int prepare_file(struct jig_store *s, enum jig_store_mode mode, struct jig_error *err)
{
    if (mode == JIG_STORE_WRITE)
        return make_wal(s, err);
    int rc;
    ask(s, "PRAGMA schema_version", &rc);
    if (rc == SQLITE_ROW)
        return 0;
    if (((rc & 0xFF) == SQLITE_CANTOPEN || (rc & 0xFF) == SQLITE_READONLY) && wal_is_empty(s))
        return open_immutable(s, err);
    return fail(s, err);
}

static int open_mode(struct jig_store *s, enum jig_store_mode mode, struct jig_error *err)
{
    if (mode == JIG_STORE_MEMORY) {
        if (sqlite3_open_v2(":memory:", &s->db,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                            NULL) != SQLITE_OK)
            return jig_fail(err, JIG_ENOMEM, "no memory for a database");
        return configure(s, mode, err);
    }
    if (!s->path[0])
        return jig_fail(err, JIG_EINVALID, "the path of a database is empty");
    if (mode == JIG_STORE_SHARED || mode == JIG_STORE_JOINED)
        return open_shared(s, mode, err);
    int rc = mode == JIG_STORE_WRITE ? make_file(s->path, err) : 0;
    if (rc == 0)
        rc = check_file(s->path, err);
    if (rc == 0)
        rc = open_file(s, mode == JIG_STORE_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY,
                       err);
    if (rc == 0)
        rc = configure(s, mode, err);
    return rc == 0 ? prepare_file(s, mode, err) : rc;
}

struct jig_store *jig_store_open(const char *path, enum jig_store_mode mode, double patience,
                                 struct jig_error *err)
{
    struct jig_store *s = calloc(1, sizeof *s);
    char *copy = strdup(mode == JIG_STORE_MEMORY ? "the database in memory" : path);
    if (!s || !copy) {
        jig_fail(err, JIG_ENOMEM, "no memory for a database");
        free(copy);
        free(s);
        return NULL;
    }
    *s = (struct jig_store){.path = copy, .patience = patience > 0 ? patience : 0};
    if (open_mode(s, mode, err) < 0) {
        jig_store_close(s);
        return NULL;
    }
    return s;
}

void jig_store_close(struct jig_store *store)
{
    if (!store)
        return;
    if (store->db && !sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    for (int i = 0; i < WORDS; i++)
        sqlite3_finalize(store->words[i]);
    sqlite3_close_v2(store->db);
    free(store->path);
    free(store);
}

/* ---- statements ---- */

int jig_store_exec(struct jig_store *store, const char *sql, struct jig_error *err)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail(store, err);
    return 0;
}

/* What begins and ends things runs several times for each event: it is parsed once. */
static int run_word(struct jig_store *store, enum word word, struct jig_error *err)
{
    static const char *const words[] = {
        [BEGIN] = "BEGIN IMMEDIATE", [COMMIT] = "COMMIT",         [MARK] = "SAVEPOINT mark",
        [RELEASE] = "RELEASE mark",  [BACK] = "ROLLBACK TO mark",
    };
    sqlite3_stmt **s = &store->words[word];
    if (!*s && sqlite3_prepare_v3(store->db, words[word], -1, SQLITE_PREPARE_PERSISTENT, s, NULL) !=
                   SQLITE_OK)
        return fail(store, err);
    int rc = sqlite3_step(*s) == SQLITE_DONE ? 0 : fail(store, err);
    sqlite3_reset(*s);
    return rc;
}

int jig_store_begin(struct jig_store *store, struct jig_error *err)
{
    if (sqlite3_db_readonly(store->db, "main") == 1) /* SQLite would begin to read */
        return jig_fail(err, JIG_EDENIED, "%s is open to be read", store->path);
    return run_word(store, BEGIN, err);
}

int jig_store_mark(struct jig_store *store, struct jig_error *err)
{
    return run_word(store, MARK, err);
}

int jig_store_unmark(struct jig_store *store, bool keep, struct jig_error *err)
{
    /* fails only where the transaction is gone, which ends it all the same */
    int rc = keep ? 0 : run_word(store, BACK, err);
    int end = run_word(store, RELEASE, rc ? NULL : err);
    return rc ? rc : end;
}

int jig_store_end(struct jig_store *store, bool keep, struct jig_error *err)
{
    if (!keep && sqlite3_get_autocommit(store->db))
        return 0; /* what failed has ended it */
    int rc = keep ? run_word(store, COMMIT, err) : jig_store_exec(store, "ROLLBACK", err);
    if (rc < 0 && !sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

int64_t jig_store_changes(const struct jig_store *store)
{
    return sqlite3_changes64(store->db);
}

const char *jig_store_path(const struct jig_store *store)
{
    return store->path;
}

const char *jig_store_version(void)
{
    return sqlite3_libversion();
}

struct jig_query *jig_query_new(struct jig_store *store, const char *sql, bool lasting,
                                struct jig_error *err)
{
    struct jig_query *q = calloc(1, sizeof *q);
    if (!q) {
        jig_fail(err, JIG_ENOMEM, "no memory for a query");
        return NULL;
    }
    q->store = store;
    if (sqlite3_prepare_v3(store->db, sql, -1, lasting ? SQLITE_PREPARE_PERSISTENT : 0,
                           &q->statement, NULL) != SQLITE_OK ||
        !q->statement) {
        if (q->statement == NULL && sqlite3_errcode(store->db) == SQLITE_OK)
            jig_fail(err, JIG_EMISUSE, "an empty statement");
        else
            fail(store, err);
        jig_query_free(q);
        return NULL;
    }
    return q;
}

const char *jig_query_sql(const struct jig_query *query)
{
    return sqlite3_sql(query->statement);
}

void jig_query_free(struct jig_query *query)
{
    if (!query)
        return;
    sqlite3_finalize(query->statement);
    free(query);
}

static void bound(struct jig_query *q, int rc)
{
    if (rc != SQLITE_OK)
        q->failed = rc;
}

void jig_query_bind_text(struct jig_query *query, int index, const char *text, size_t n)
{
    bound(query, sqlite3_bind_text64(query->statement, index, text, n, SQLITE_STATIC, SQLITE_UTF8));
}

void jig_query_bind_bytes(struct jig_query *query, int index, const void *bytes, size_t n)
{
    bound(query, sqlite3_bind_blob64(query->statement, index, bytes, n, SQLITE_STATIC));
}

void jig_query_bind_integer(struct jig_query *query, int index, int64_t value)
{
    bound(query, sqlite3_bind_int64(query->statement, index, value));
}

void jig_query_bind_real(struct jig_query *query, int index, double value)
{
    bound(query, sqlite3_bind_double(query->statement, index, value));
}

void jig_query_bind_null(struct jig_query *query, int index)
{
    bound(query, sqlite3_bind_null(query->statement, index));
}

int jig_query_parameters(const struct jig_query *query)
{
    return sqlite3_bind_parameter_count(query->statement);
}

int jig_query_step(struct jig_query *query, struct jig_error *err)
{
    if (query->failed)
        return jig_fail(err, query->failed == SQLITE_TOOBIG ? JIG_ELIMIT : JIG_EMISUSE,
                        "a parameter cannot be bound: %s", sqlite3_errstr(query->failed));
    int rc = sqlite3_step(query->statement);
    if (rc == SQLITE_ROW)
        return 1;
    return rc == SQLITE_DONE ? 0 : fail(query->store, err);
}

int jig_query_run(struct jig_query *query, struct jig_error *err)
{
    int rc = jig_query_step(query, err);
    while (rc > 0)
        rc = jig_query_step(query, err);
    jig_query_reset(query);
    return rc;
}

void jig_query_reset(struct jig_query *query)
{
    sqlite3_reset(query->statement);
    sqlite3_clear_bindings(query->statement);
    query->failed = 0;
}

/* ---- columns ---- */

int jig_query_columns(const struct jig_query *query)
{
    return sqlite3_column_count(query->statement);
}

const char *jig_query_name(const struct jig_query *query, int column)
{
    return sqlite3_column_name(query->statement, column);
}

enum jig_column jig_query_type(const struct jig_query *query, int column)
{
    switch (sqlite3_column_type(query->statement, column)) {
    case SQLITE_INTEGER:
        return JIG_COLUMN_INTEGER;
    case SQLITE_FLOAT:
        return JIG_COLUMN_REAL;
    case SQLITE_TEXT:
        return JIG_COLUMN_TEXT;
    case SQLITE_BLOB:
        return JIG_COLUMN_BYTES;
    default:
        return JIG_COLUMN_NULL;
    }
}

int64_t jig_query_integer(struct jig_query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

double jig_query_real(struct jig_query *query, int column)
{
    return sqlite3_column_double(query->statement, column);
}

const char *jig_query_text(struct jig_query *query, int column, size_t *n)
{
    int type = sqlite3_column_type(query->statement, column);
    const char *text = type == SQLITE_BLOB
                           ? sqlite3_column_blob(query->statement, column)
                           : (const char *)sqlite3_column_text(query->statement, column);
    *n = (size_t)sqlite3_column_bytes(query->statement, column);
    return text || type == SQLITE_NULL ? text : ""; /* empty bytes have no address */
}
