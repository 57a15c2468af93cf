/* See emergency_file.h. */
#include "core/emergency_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/digest.h"
#include "core/folder.h"

static const char mark[] = "jig emergency 1\n", magic[4] = {'E', 'N', 'T', 'R'};

enum {
    MARK = JIG_EMERGENCY_MARK,
    HEAD = 8 + JIG_SHA256_SIZE, /* magic, length, digest */
    FIXED = 8 + 4 + 1 + 1 + 4,  /* time, attempt, three lengths */
    TEXTS = 3,
    SESSION_MAX = 128,
    NAMES = 1000,
};

/* ---- an entry ---- */

static void put(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(const uint8_t *at, int bytes)
{
    uint64_t value = 0;
    for (int i = bytes; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

static void encode(uint8_t *entry, size_t n, const struct jig_event *event)
{
    const char *kind = jig_event_name(event->kind);
    uint8_t *body = entry + HEAD;
    char *text = (char *)body + FIXED;
    memcpy(entry, magic, sizeof magic);
    put(entry + 4, n - HEAD, 4);
    put(body, (uint64_t)event->time, 8);
    put(body + 8, (uint64_t)event->attempt, 4);
    put(body + 12, strlen(kind), 1);
    put(body + 13, strlen(event->session), 1);
    put(body + 14, strlen(event->facts), 4);
    text = stpcpy(text, kind) + 1;
    text = stpcpy(text, event->session) + 1;
    strcpy(text, event->facts);
    jig_digest_sum(JIG_SHA256, entry + 8, body, n - HEAD);
}

int jig_emergency_entry(const struct jig_event *event, uint8_t **entry, size_t *n,
                        struct jig_error *err)
{
    *n = HEAD + FIXED + TEXTS + strlen(jig_event_name(event->kind)) + strlen(event->session) +
         strlen(event->facts);
    if (strlen(event->session) > SESSION_MAX || *n > JIG_EMERGENCY_SIZE - MARK)
        return jig_fail(err, JIG_ELIMIT, "the event is too long for an emergency file");
    *entry = malloc(*n);
    if (!*entry)
        return jig_fail(err, JIG_ENOMEM, "no memory for the emergency file");
    encode(*entry, *n, event);
    return JIG_OK;
}

/* The size of the whole entry at `bytes`, of which n are there; 0 when it is not whole. */
static size_t whole(const uint8_t *bytes, size_t n)
{
    uint8_t sum[JIG_SHA256_SIZE];
    if (n < HEAD || memcmp(bytes, magic, sizeof magic) != 0)
        return 0;
    size_t body = get(bytes + 4, 4);
    if (body < FIXED + TEXTS || body > n - HEAD)
        return 0;
    jig_digest_sum(JIG_SHA256, sum, bytes + HEAD, body);
    return memcmp(sum, bytes + 8, sizeof sum) == 0 ? HEAD + body : 0;
}

/* A text of n bytes and its NUL; moves *at behind it. NULL when it is none. */
static const char *take_text(const uint8_t **at, size_t n)
{
    const uint8_t *text = *at;
    *at += n + 1;
    return memchr(text, '\0', n + 1) == text + n ? (const char *)text : NULL;
}

/* What a whole entry of n bytes says; false when it makes no sense. */
static bool decode(const uint8_t *entry, size_t n, struct jig_event *event)
{
    const uint8_t *body = entry + HEAD, *at = body + FIXED;
    size_t kind_n = body[12], session_n = body[13], facts_n = get(body + 14, 4);
    if (HEAD + FIXED + TEXTS + kind_n + session_n + facts_n != n)
        return false;
    const char *kind = take_text(&at, kind_n);
    event->session = take_text(&at, session_n);
    event->facts = take_text(&at, facts_n);
    event->time = (int64_t)get(body, 8);
    event->attempt = (int32_t)get(body + 8, 4);
    if (!kind || !event->session || !event->facts || session_n > SESSION_MAX)
        return false;
    event->kind = jig_event_of(kind);
    return event->kind != JIG_EVENT_KINDS;
}

static bool all_zero(const uint8_t *bytes, size_t n)
{
    return n == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

int jig_emergency_file_next(const struct jig_emergency_file *file, size_t *at,
                            struct jig_event *event)
{
    const uint8_t *entry = file->bytes + *at;
    size_t left = sizeof file->bytes - *at, n = whole(entry, left);
    *at += n ? n : left;
    if (n)
        return decode(entry, n, event) ? 1 : JIG_EINVALID;
    return all_zero(entry, left) && file->size <= sizeof file->bytes ? 0 : JIG_EINVALID;
}

/* ---- a file ---- */

int jig_emergency_write(int fd, const void *bytes, size_t n, size_t at)
{
    for (size_t done = 0; done < n;) {
        ssize_t part = pwrite(fd, (const uint8_t *)bytes + done, n - done, (off_t)(at + done));
        if (part < 0 && errno != EINTR)
            return -1;
        done += part > 0 ? (size_t)part : 0;
    }
    return 0;
}

static int fail(const struct jig_emergency_file *file, int sys, const char *what,
                struct jig_error *err)
{
    return jig_fail_sys(err, sys, "cannot %s the emergency file %s", what, file->path);
}

static int read_all(struct jig_emergency_file *file, struct jig_error *err)
{
    struct stat st;
    if (fstat(file->fd, &st) < 0)
        return fail(file, errno, "look at", err);
    if (!S_ISREG(st.st_mode))
        return JIG_AGAIN;
    file->size = (size_t)st.st_size;
    if (pread(file->fd, file->bytes, sizeof file->bytes, 0) < 0)
        return fail(file, errno, "read", err);
    if (whole(file->bytes + MARK, sizeof file->bytes - MARK))
        file->first = (int64_t)get(file->bytes + MARK + HEAD, 8);
    return JIG_OK;
}

/* Whether errno means that nothing which could be used has that name, or that it came just now. */
static bool is_no_file(void)
{
    return errno == ENOENT || errno == ELOOP || errno == EISDIR || errno == ENXIO ||
           errno == EEXIST;
}

static int lock_and_read(struct jig_emergency_file *file, bool make, struct jig_error *err)
{
    file->fd = jig_folder_open(file->path,
                               O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (make ? O_CREAT : 0));
    if (file->fd < 0)
        return is_no_file() ? JIG_AGAIN : fail(file, errno, "open", err);
    if (flock(file->fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? JIG_AGAIN : fail(file, errno, "lock", err);
    return jig_folder_names(file->path, file->fd) ? read_all(file, err) : JIG_AGAIN;
}

int jig_emergency_file_open(struct jig_emergency_file **file, const char *folder, int number,
                            bool make, struct jig_error *err)
{
    struct jig_emergency_file *f = calloc(1, sizeof *f);
    *file = NULL;
    if (!f || asprintf(&f->path, "%s/%d", folder, number) < 0) {
        free(f);
        return jig_fail(err, JIG_ENOMEM, "no memory for an emergency file");
    }
    int rc = lock_and_read(f, make, err);
    if (rc == JIG_OK)
        *file = f;
    else
        jig_emergency_file_close(f);
    return rc;
}

void jig_emergency_file_close(struct jig_emergency_file *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd);
    free(file->path);
    free(file);
}

bool jig_emergency_file_marked(const struct jig_emergency_file *file)
{
    return file->size == JIG_EMERGENCY_SIZE && memcmp(file->bytes, mark, MARK) == 0;
}

bool jig_emergency_file_sound(const struct jig_emergency_file *file)
{
    return jig_emergency_file_marked(file) ||
           (file->size == JIG_EMERGENCY_SIZE && all_zero(file->bytes, MARK));
}

bool jig_emergency_file_empty(const struct jig_emergency_file *file)
{
    return (jig_emergency_file_marked(file) || all_zero(file->bytes, MARK)) &&
           file->size <= sizeof file->bytes &&
           all_zero(file->bytes + MARK, sizeof file->bytes - MARK);
}

/* The mark comes last: a file without it may not be on disk in full, and is synced again. */
int jig_emergency_file_reserve(const struct jig_emergency_file *file, const char *folder,
                               struct jig_error *err)
{
    int sys = posix_fallocate(file->fd, 0, JIG_EMERGENCY_SIZE);
    if (!sys && fdatasync(file->fd) < 0)
        sys = errno;
    if (sys)
        return fail(file, sys, "reserve 64 KiB for", err);
    int rc = jig_folder_sync(folder, err);
    if (rc == JIG_OK && jig_emergency_write(file->fd, mark, MARK, 0) < 0)
        rc = fail(file, errno, "write", err);
    return rc;
}

/* One that was cut short loses its mark, too. */
int jig_emergency_file_clear(const struct jig_emergency_file *file, struct jig_error *err)
{
    static const uint8_t zeros[JIG_EMERGENCY_SIZE];
    size_t from = jig_emergency_file_marked(file) ? MARK : 0;
    if (jig_emergency_write(file->fd, zeros, sizeof zeros - from, from) < 0 ||
        fdatasync(file->fd) < 0)
        return fail(file, errno, "empty", err);
    return JIG_OK;
}

int jig_emergency_file_rename(const struct jig_emergency_file *file, char **name,
                              struct jig_error *err)
{
    size_t size = strlen(file->path) + sizeof ".damaged." + 8;
    char *to = malloc(size);
    if (!to)
        return fail(file, ENOMEM, "set aside", err);
    snprintf(to, size, "%s.damaged", file->path);
    for (int i = 2; renameat2(AT_FDCWD, file->path, AT_FDCWD, to, RENAME_NOREPLACE) < 0; i++) {
        if (errno != EEXIST || i > NAMES) {
            int rc = fail(file, errno, "set aside", err);
            free(to);
            return rc;
        }
        snprintf(to, size, "%s.damaged.%d", file->path, i);
    }
    *name = to;
    return JIG_OK;
}
