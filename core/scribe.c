/* See scribe.h. */
#include "core/scribe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/folder.h"

/* ---- life ---- */

static char *copy(const char *text, const char *suffix)
{
    char *made;
    return asprintf(&made, "%s%s", text, suffix) < 0 ? NULL : made;
}

static void free_scribe(struct jig_scribe *s)
{
    free(s->path);
    free(s->folder);
    free(s->emergency);
    free(s->usual);
    free(s->elsewhere);
    free(s->head);
    free(s->key);
    free(s->diverted);
    free(s);
}

static bool set_paths(struct jig_scribe *s, const struct jig_journal_options *o)
{
    s->shared = o->shared;
    if (o->key)
        s->key = copy(o->key, "");
    if (!o->path)
        return s->key || !o->key;
    s->path = copy(o->path, "");
    s->folder = copy(o->path, ".d");
    s->head = copy(o->path, ".head");
    s->usual = copy(o->path, ".d/emergency");
    s->elsewhere = copy(o->path, ".d/elsewhere");
    s->emergency = o->emergency ? copy(o->emergency, "") : copy(o->path, ".d/emergency");
    return s->path && s->folder && s->head && s->emergency && s->usual && s->elsewhere &&
           (s->key || !o->key);
}

struct jig_scribe *jig_scribe_new(const struct jig_journal_options *options, struct jig_error *err)
{
    struct jig_scribe *s = calloc(1, sizeof *s);
    if (!s || !set_paths(s, options)) {
        if (s)
            free_scribe(s);
        jig_fail(err, JIG_ENOMEM, "no memory for the journal");
        return NULL;
    }
    s->owner.fd = s->file.fd = -1;
    jig_fail(&s->closed, JIG_ERECORD, "the journal was not opened");
    if (s->path && jig_owner_name(&s->owner, err) < 0) {
        free_scribe(s);
        return NULL;
    }
    return s;
}

/* ---- where emergency files are ---- */

/* Who opens this journal and is not told of a folder finds its files all the same: a session whose
 * outcome is there must not be taken for one without. */
static int leave_link(const struct jig_scribe *s, struct jig_error *err)
{
    if (strcmp(s->emergency, s->usual) == 0)
        return JIG_OK;
    char *was = realpath(s->elsewhere, NULL), *folder = realpath(s->emergency, NULL);
    char suffix[32], *beside;
    snprintf(suffix, sizeof suffix, ".%ld", (long)getpid()); /* other jigs make theirs */
    beside = copy(s->elsewhere, suffix);
    int rc = JIG_OK;
    if (!folder || !beside)
        rc = jig_fail_sys(err, errno, "cannot find the folder %s", s->emergency);
    else if (!was || strcmp(folder, was) != 0) {
        unlink(beside);
        if (symlink(folder, beside) < 0 || rename(beside, s->elsewhere) < 0)
            rc = jig_fail_sys(err, errno, "cannot make the link %s", s->elsewhere);
        else
            rc = jig_folder_sync(s->folder, err);
    }
    free(folder);
    free(was);
    free(beside);
    return rc;
}

/* A file that was set aside is told; the rest was folded. */
static int fold_folder(struct jig_scribe *s, const char *folder, struct jig_error *err)
{
    size_t folded;
    int rc = jig_emergency_fold(folder, s->ledger, &folded, err);
    if (rc != JIG_EINVALID)
        return rc;
    s->notice = *err;
    return JIG_OK;
}

/* Those of this journal's folder and of the one that a jig before was told of, too. */
static int fold(struct jig_scribe *s, struct jig_error *err)
{
    struct stat st;
    int rc = jig_folder_make(s->emergency, err);
    if (rc == JIG_OK)
        rc = fold_folder(s, s->emergency, err);
    if (rc == JIG_OK && strcmp(s->emergency, s->usual) != 0)
        rc = fold_folder(s, s->usual, err);
    if (rc < 0 || lstat(s->elsewhere, &st) < 0)
        return rc;
    if (access(s->elsewhere, R_OK | X_OK) < 0)
        return jig_fail_sys(err, errno,
                            "cannot read the emergency files that %s leads to: bring them back, or "
                            "remove the link if they are lost",
                            s->elsewhere);
    return fold_folder(s, s->elsewhere, err);
}

static int count_unended(struct jig_scribe *s, struct jig_error *err)
{
    static const char sql[] = "SELECT (SELECT count(*) FROM session WHERE ended IS NULL) +"
                              " (SELECT count(*) FROM unit WHERE result IS NULL)";
    struct jig_query *q = jig_query_new(jig_ledger_store(s->ledger), sql, false, err);
    int rc = q ? jig_query_step(q, err) : (int)err->code;
    if (rc > 0)
        s->unended = jig_query_integer(q, 0);
    jig_query_free(q);
    return rc < 0 ? rc : JIG_OK;
}

/* A process that dies gives its locks back in the order of its descriptors. The owner's must be the
 * last: who finds it free reads the emergency file, which must be free by then. */
static int lift_lock(struct jig_scribe *s, struct jig_error *err)
{
    if (s->owner.fd > s->file.fd)
        return JIG_OK;
    int fd = fcntl(s->owner.fd, F_DUPFD_CLOEXEC, s->file.fd + 1);
    if (fd < 0)
        return jig_fail_sys(err, errno, "cannot keep the lock %s", s->owner.path);
    close(s->owner.fd);
    s->owner.fd = fd;
    return JIG_OK;
}

/* The owner first: it makes the folders. What dead processes left is folded in before a file of
 * our own is taken, so that theirs can be used again. */
static int open_files(struct jig_scribe *s, struct jig_error *err)
{
    int rc = JIG_OK;
    if (s->owner.fd < 0)
        rc = jig_owner_new(&s->owner, s->folder, err);
    if (rc == JIG_OK && !s->ledger) {
        s->ledger = jig_ledger_open(s->path, s->shared ? JIG_STORE_SHARED : JIG_STORE_WRITE,
                                    JIG_JOURNAL_PATIENCE, err);
        rc = s->ledger ? JIG_OK : (int)err->code;
    }
    if (rc == JIG_OK)
        rc = fold(s, err);
    if (rc == JIG_OK && !s->file.path)
        rc = jig_emergency_open(&s->file, s->emergency, err);
    if (rc == JIG_OK)
        rc = leave_link(s, err);
    if (rc == JIG_OK)
        rc = lift_lock(s, err);
    if (rc == JIG_OK)
        rc = count_unended(s, err);
    return rc;
}

void jig_scribe_open(struct jig_scribe *s)
{
    struct jig_error err = {.code = JIG_OK};
    int rc = JIG_OK;
    if (s->path) {
        rc = open_files(s, &err);
    } else {
        s->ledger = jig_ledger_open(NULL, JIG_STORE_MEMORY, 0, &err);
        rc = s->ledger ? JIG_OK : (int)err.code;
    }
    s->closed.code = JIG_OK;
    if (rc < 0)
        jig_fail(&s->closed, JIG_ERECORD, "cannot open the journal: %s", err.text);
    s->again = jig_clock_after(jig_clock_now(&(struct jig_clock){0}), JIG_JOURNAL_RETRY);
}

bool jig_scribe_warm(struct jig_scribe *s)
{
    return s->closed.code == JIG_OK && jig_ledger_warm(s->ledger);
}

/* ---- the emergency file ---- */

static bool is_diverted(const struct jig_scribe *s, const char *session)
{
    if (s->all_diverted || !*session)
        return s->all_diverted;
    for (size_t i = 0; i < s->n_diverted; i++)
        if (strcmp(s->diverted[i], session) == 0)
            return true;
    return false;
}

static void divert(struct jig_scribe *s, const char *session)
{
    if (!*session || is_diverted(s, session))
        return;
    void *more = realloc(s->diverted, (s->n_diverted + 1) * sizeof *s->diverted);
    if (more) {
        s->diverted = more;
        strcpy(s->diverted[s->n_diverted++], session);
    } else {
        s->all_diverted = true;
    }
}

/* What begins something may not begin when it cannot be recorded in the journal itself. */
static bool begins(const struct jig_entry *entry)
{
    return entry->kind == JIG_EVENT_STARTED || entry->kind == JIG_EVENT_OPENING;
}

static struct jig_event event_of(const struct jig_entry *entry)
{
    return (struct jig_event){entry->kind, entry->session, entry->attempt, entry->time,
                              entry->facts ? entry->facts : "{}"};
}

static void nowhere(struct jig_entry *entry, const char *why)
{
    entry->kept = JIG_KEPT_NOWHERE;
    jig_fail(&entry->err, JIG_ERECORD, "not recorded: %s", why);
}

/* What tells of a way whose end says enough. With hundreds of sessions under way it would fill the
 * file before the last of them has ended: it may have the first quarter. */
static bool has_no_room(const struct jig_scribe *s, const struct jig_entry *entry)
{
    static const bool passing[JIG_EVENT_KINDS] = {
        [JIG_EVENT_OPENED] = true,    [JIG_EVENT_CONFIGURED] = true, [JIG_EVENT_FAILED] = true,
        [JIG_EVENT_FINISHING] = true, [JIG_EVENT_ENDED] = true,
    };
    return passing[entry->kind] && s->file.used > JIG_EMERGENCY_SIZE / 4;
}

/* The journal did not take it, and `why`. */
static void save(struct jig_scribe *s, struct jig_entry *entry, const char *why)
{
    const struct jig_event event = event_of(entry);
    struct jig_error err;
    if (begins(entry) || !s->file.path) {
        nowhere(entry, why);
    } else if (has_no_room(s, entry)) {
        entry->kept = JIG_KEPT_NOWHERE;
        jig_fail(&entry->err, JIG_ERECORD,
                 "not recorded: %.110s; what is left of the emergency file is for outcomes", why);
    } else if (jig_emergency_append(&s->file, &event, &err) < 0) {
        entry->kept = JIG_KEPT_NOWHERE;
        jig_fail(&entry->err, JIG_ERECORD, "not recorded: %.110s; %.110s", why, err.text);
    } else {
        entry->kept = JIG_KEPT_EMERGENCY;
        jig_fail(&entry->err, JIG_OK, "kept in the emergency file: %s", why);
        divert(s, entry->session);
    }
}

/* ---- batches ---- */

static void write_batch(struct jig_scribe *s, size_t n)
{
    struct jig_error err;
    int64_t events = 0;
    int rc = jig_ledger_append(s->ledger, s->events, n, s->results, &err);
    for (size_t i = 0; i < n; i++) {
        struct jig_entry *entry = s->entries[i];
        if (rc == JIG_OK) {
            entry->err = s->results[i];
            entry->kept = entry->err.code == JIG_OK ? JIG_KEPT_JOURNAL : JIG_KEPT_NOWHERE;
            events += entry->kept == JIG_KEPT_JOURNAL;
        } else {
            save(s, entry, err.text);
        }
    }
    s->commits += events > 0;
}

/* Handles what does not go to the ledger; false when it does. */
static bool handle(struct jig_scribe *s, struct jig_entry *entry)
{
    if (s->closed.code != JIG_OK)
        save(s, entry, s->closed.text);
    else if (entry->refused)
        save(s, entry, "the journal refused it");
    else if (begins(entry) && !entry->facts)
        nowhere(entry, "there was no memory for what it says");
    else if (is_diverted(s, entry->session))
        save(s, entry, "earlier events of this session are there");
    else
        return false;
    return true;
}

static void fold_for(struct jig_scribe *s, struct jig_entry *entry)
{
    struct jig_error err;
    entry->err.code = JIG_OK;
    if (s->closed.code != JIG_OK)
        entry->err = s->closed;
    else if (s->path && fold(s, &err) < 0)
        jig_fail(&entry->err, JIG_ERECORD, "emergency files wait: %s", err.text);
}

void jig_scribe_write(struct jig_scribe *s, struct jig_entry *list)
{
    size_t n = 0;
    if (s->closed.code != JIG_OK && jig_clock_now(&(struct jig_clock){0}) >= s->again)
        jig_scribe_open(s);
    for (struct jig_entry *entry = list; entry; entry = entry->next) {
        if ((int)entry->kind == JIG_SCRIBE_FOLD) {
            fold_for(s, entry);
        } else if (!handle(s, entry)) {
            s->events[n] = event_of(entry);
            s->entries[n++] = entry;
        }
        if (n == JIG_SCRIBE_BATCH || (n && !entry->next)) {
            write_batch(s, n);
            n = 0;
        }
    }
}

/* ---- the end ---- */

int jig_scribe_succeed(struct jig_scribe *s, struct jig_error *err)
{
    jig_emergency_close(&s->file);
    jig_owner_release(&s->owner, false);
    free(s->diverted);
    s->diverted = NULL;
    s->n_diverted = 0;
    s->all_diverted = false;
    int rc = jig_owner_name(&s->owner, err);
    if (rc < 0)
        return rc;
    jig_scribe_open(s);
    if (s->closed.code != JIG_OK)
        *err = s->closed;
    return (int)s->closed.code;
}

/* Whether a session of ours may still have to be recovered. */
static bool is_needed(struct jig_scribe *s)
{
    static const char sql[] = "SELECT 1 FROM session WHERE owner = ?1 AND ended IS NULL LIMIT 1";
    struct jig_query *q = jig_query_new(jig_ledger_store(s->ledger), sql, false, NULL);
    if (!q)
        return true;
    jig_query_bind_text(q, 1, s->owner.id, strlen(s->owner.id));
    bool needed = jig_query_step(q, NULL) != 0;
    jig_query_free(q);
    return needed;
}

static int sign(struct jig_scribe *s, struct jig_error *err)
{
    if (s->ledger)
        return jig_ledger_sign(s->ledger, s->key, s->head, err);
    return jig_fail(err, JIG_ERECORD, "cannot sign: %s", s->closed.text);
}

void jig_scribe_settle(struct jig_scribe *s)
{
    struct jig_error err;
    bool written = s->n_diverted || s->all_diverted;
    jig_emergency_close(&s->file);
    if (written && s->ledger)
        fold(s, &err);
}

int jig_scribe_close(struct jig_scribe *s, bool clean, struct jig_error *err)
{
    int rc = s->key && clean ? sign(s, err) : JIG_OK;
    jig_emergency_close(&s->file);
    jig_owner_release(&s->owner, !s->ledger || !is_needed(s));
    jig_ledger_close(s->ledger);
    free_scribe(s);
    return rc;
}
