/* See emergency.h; what a file looks like: emergency_file.c. */
#include "core/emergency.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/emergency_file.h"
#include "core/folder.h"

/* ---- this process's own file ---- */

/* JIG_AGAIN when the file of that number cannot be taken. */
static int take(struct jig_emergency *e, const char *folder, int number, struct jig_error *err)
{
    struct jig_emergency_file *file;
    int rc = jig_emergency_file_open(&file, folder, number, true, err);
    if (rc == JIG_OK && !jig_emergency_file_empty(file))
        rc = JIG_AGAIN;
    if (rc == JIG_OK && !jig_emergency_file_marked(file))
        rc = jig_emergency_file_reserve(file, folder, err);
    if (rc == JIG_OK) {
        *e = (struct jig_emergency){file->path, file->fd, JIG_EMERGENCY_MARK};
        file->path = NULL;
        file->fd = -1;
    }
    jig_emergency_file_close(file);
    return rc;
}

int jig_emergency_open(struct jig_emergency *e, const char *folder, struct jig_error *err)
{
    *e = (struct jig_emergency){.fd = -1};
    int rc = jig_folder_make(folder, err);
    if (rc < 0)
        return rc;
    rc = JIG_AGAIN;
    for (int i = 0; i < JIG_EMERGENCY_FILES && rc == JIG_AGAIN; i++)
        rc = take(e, folder, i, err);
    if (rc == JIG_AGAIN)
        rc = jig_fail(err, JIG_ELIMIT, "all %d emergency files in %s are in use",
                      JIG_EMERGENCY_FILES, folder);
    return rc;
}

/* What was written in part must not look like damage to the file. */
static int write_entry(const struct jig_emergency *e, uint8_t *entry, size_t n,
                       struct jig_error *err)
{
    if (jig_emergency_write(e->fd, entry, n, e->used) == 0 && fdatasync(e->fd) == 0)
        return JIG_OK;
    int sys = errno;
    memset(entry, 0, n);
    if (jig_emergency_write(e->fd, entry, n, e->used) == 0)
        fdatasync(e->fd);
    return jig_fail_sys(err, sys, "cannot write the emergency file %s", e->path);
}

int jig_emergency_append(struct jig_emergency *e, const struct jig_event *event,
                         struct jig_error *err)
{
    uint8_t *entry;
    size_t n;
    if (!e->path)
        return jig_fail(err, JIG_EMISUSE, "there is no emergency file");
    int rc = jig_emergency_entry(event, &entry, &n, err);
    if (rc < 0)
        return rc;
    if (n > JIG_EMERGENCY_SIZE - e->used)
        rc = jig_fail(err, JIG_ELIMIT, "the emergency file %s is full", e->path);
    else
        rc = write_entry(e, entry, n, err);
    if (rc == JIG_OK)
        e->used += n;
    free(entry);
    return rc;
}

void jig_emergency_close(struct jig_emergency *e)
{
    if (e->path)
        close(e->fd);
    free(e->path);
    *e = (struct jig_emergency){.fd = -1};
}

/* ---- those of dead processes ---- */

struct fold {
    struct jig_ledger *ledger;
    struct jig_query *known;
    size_t folded;         /* events appended */
    size_t aside;          /* files set aside */
    struct jig_error what; /* about the first of these */
};

static const char known_sql[] =
    "SELECT json_valid(?5), EXISTS (SELECT 1 FROM main.event WHERE session = ?1 AND attempt = ?2"
    " AND kind = ?3 AND time = ?4 AND facts = ?5)";

/* Whether the ledger has this very event: a process was killed after its events were durable there
 * and before the file was emptied. 1, 0 or an error; JIG_EINVALID when its facts are no JSON. */
static int is_known(struct jig_query *known, const struct jig_event *event, struct jig_error *err)
{
    const char *kind = jig_event_name(event->kind);
    jig_query_bind_text(known, 1, event->session, strlen(event->session));
    jig_query_bind_integer(known, 2, event->attempt);
    jig_query_bind_text(known, 3, kind, strlen(kind));
    jig_query_bind_integer(known, 4, event->time);
    jig_query_bind_text(known, 5, event->facts, strlen(event->facts));
    int rc = jig_query_step(known, err);
    if (rc == 1 && !jig_query_integer(known, 0))
        rc = jig_fail(err, JIG_EINVALID, "the facts of an entry are no JSON");
    else if (rc == 1)
        rc = jig_query_integer(known, 1) != 0;
    jig_query_reset(known);
    return rc;
}

/* Appends an event unless it is known. JIG_EINVALID: the ledger refuses it. One commit an event:
 * this is rare, and one that the ledger chokes on must not keep the others out. */
static int fold_event(struct fold *fold, const struct jig_event *event, struct jig_error *err)
{
    struct jig_error result = {.code = JIG_OK};
    int rc = is_known(fold->known, event, err);
    if (rc != 0)
        return rc == 1 ? JIG_OK : rc;
    rc = jig_ledger_append(fold->ledger, event, 1, &result, err);
    if (rc == JIG_OK && result.code != JIG_OK)
        return jig_fail(err, JIG_EINVALID, "%s", result.text);
    fold->folded += rc == JIG_OK;
    return rc;
}

/* Appends all that can be read. JIG_EINVALID: something cannot, or is refused. */
static int fold_entries(struct fold *fold, const struct jig_emergency_file *file,
                        struct jig_error *err)
{
    struct jig_event event;
    struct jig_error one;
    size_t at = JIG_EMERGENCY_MARK;
    int rc = JIG_OK, next;
    if (!jig_emergency_file_sound(file))
        rc = jig_fail(err, JIG_EINVALID, "it does not begin or end as one does");
    while ((next = jig_emergency_file_next(file, &at, &event)) != 0) {
        if (next == 1)
            next = fold_event(fold, &event, &one);
        else
            jig_fail(&one, JIG_EINVALID, "an entry is damaged");
        if (next < 0)
            *err = one, rc = next;
        if (next < 0 && next != JIG_EINVALID)
            break;
    }
    return rc;
}

static int fold_file(struct fold *fold, const struct jig_emergency_file *file,
                     struct jig_error *err)
{
    char *name;
    struct jig_error why;
    int rc = fold_entries(fold, file, &why);
    if (rc == JIG_OK)
        return jig_emergency_file_clear(file, err);
    if (rc != JIG_EINVALID) {
        *err = why;
        return rc;
    }
    rc = jig_emergency_file_rename(file, &name, err);
    if (rc < 0)
        return rc;
    if (fold->aside++ == 0)
        jig_fail(&fold->what, JIG_EINVALID, "an emergency file was set aside as %.120s: %.100s",
                 name, why.text);
    free(name);
    return JIG_OK;
}

static int by_time(const void *a, const void *b)
{
    const struct jig_emergency_file *const *x = a, *const *y = b;
    return ((*x)->first > (*y)->first) - ((*x)->first < (*y)->first);
}

/* Those that hold something and belong to nobody, oldest first. */
static int collect(struct jig_emergency_file **files, size_t *n, const char *folder,
                   struct jig_error *err)
{
    uint64_t there = jig_folder_numbers(folder);
    for (int i = 0; i < JIG_EMERGENCY_FILES; i++) {
        if (!(there >> i & 1))
            continue;
        int rc = jig_emergency_file_open(&files[*n], folder, i, false, err);
        if (rc == JIG_OK && !jig_emergency_file_empty(files[*n]))
            ++*n;
        else if (rc == JIG_OK)
            jig_emergency_file_close(files[*n]);
        else if (rc != JIG_AGAIN)
            return rc;
    }
    qsort(files, *n, sizeof(struct jig_emergency_file *), by_time);
    return JIG_OK;
}

static int fold_all(struct fold *fold, struct jig_emergency_file *const *files, size_t n,
                    struct jig_error *err)
{
    fold->known = jig_query_new(jig_ledger_store(fold->ledger), known_sql, true, err);
    int rc = fold->known ? JIG_OK : (int)err->code;
    for (size_t i = 0; rc == JIG_OK && i < n; i++)
        rc = fold_file(fold, files[i], err);
    jig_query_free(fold->known);
    if (rc == JIG_OK && fold->aside) {
        *err = fold->what;
        rc = JIG_EINVALID;
    }
    return rc;
}

int jig_emergency_fold(const char *folder, struct jig_ledger *ledger, size_t *folded,
                       struct jig_error *err)
{
    struct jig_emergency_file *files[JIG_EMERGENCY_FILES];
    struct fold fold = {.ledger = ledger};
    size_t n = 0;
    int rc = collect(files, &n, folder, err);
    if (rc == JIG_OK && n > 0)
        rc = fold_all(&fold, files, n, err);
    for (size_t i = 0; i < n; i++)
        jig_emergency_file_close(files[i]);
    *folded = fold.folded;
    return rc;
}
