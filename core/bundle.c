/* See bundle.h. */
#include "core/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is read now. */
struct walk {
    struct jig_bundle *bundle;
    size_t room, folders;
    char path[JIG_BUNDLE_PATH + 1]; /* of the entry, from the folder */
    struct jig_error *err;
};

static int walk_folder(struct walk *w, int fd, size_t length, int depth);

static int fail_entry(struct walk *w, enum jig_err code, const char *why)
{
    return jig_fail(w->err, code, "%.150s: %s", w->path, why);
}

static struct jig_bundle_file *add_file(struct walk *w)
{
    struct jig_bundle *bundle = w->bundle;
    if (bundle->n == w->room) {
        size_t room = w->room ? 2 * w->room : 16;
        struct jig_bundle_file *files = realloc(bundle->files, room * sizeof *files);
        if (!files)
            return NULL;
        bundle->files = files;
        w->room = room;
    }
    struct jig_bundle_file *file = &bundle->files[bundle->n];
    *file = (struct jig_bundle_file){.path = strdup(w->path)};
    if (!file->path)
        return NULL;
    bundle->n++;
    return file;
}

/* Exactly as many bytes as it is said to have. */
static int read_bytes(struct walk *w, struct jig_bundle_file *file, int fd, size_t size)
{
    size_t got = 0;
    ssize_t n = 1;
    file->bytes = malloc(size + 1);
    if (!file->bytes)
        return fail_entry(w, JIG_ENOMEM, "no memory to read it");
    while (n > 0 && got <= size) {
        n = read(fd, file->bytes + got, size + 1 - got);
        if (n < 0)
            return jig_fail_sys(w->err, errno, "%s", w->path);
        got += (size_t)n;
    }
    if (got != size)
        return fail_entry(w, JIG_EBUSY, "it changed while it was read");
    file->size = size;
    jig_digest_sum(JIG_SHA256, file->sha256, file->bytes, size);
    return JIG_OK;
}

static int read_file(struct walk *w, int fd, const struct stat *st)
{
    if (st->st_size > JIG_BUNDLE_FILE_CAP)
        return fail_entry(w, JIG_ELIMIT, "a file may have 4 MiB");
    size_t size = (size_t)st->st_size;
    if (w->bundle->n == JIG_BUNDLE_FILES)
        return fail_entry(w, JIG_ELIMIT, "more than 1024 files");
    if (size > JIG_BUNDLE_CAP - w->bundle->size)
        return fail_entry(w, JIG_ELIMIT, "all files together may have 16 MiB");
    struct jig_bundle_file *file = add_file(w);
    if (!file)
        return fail_entry(w, JIG_ENOMEM, "no memory to read it");
    w->bundle->size += size;
    return read_bytes(w, file, fd, size);
}

static bool is_printable(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name < 0x20 || *name == 0x7f)
            return false;
    return true;
}

/* Looked at before it is opened, since opening a device may do something; and again once it is
 * open, since it may be another by then. */
static int read_entry(struct walk *w, int folder, const char *name, size_t length, int depth)
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return jig_fail_sys(w->err, errno, "%s", w->path);
    if (S_ISLNK(st.st_mode))
        return fail_entry(w, JIG_EDENIED, "it is a link, and links are not followed");
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return fail_entry(w, JIG_EDENIED, "it is neither a file nor a folder");
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return jig_fail_sys(w->err, errno, "%s", w->path);
    int rc;
    if (fstat(fd, &st) < 0)
        rc = jig_fail_sys(w->err, errno, "%s", w->path);
    else if (S_ISDIR(st.st_mode))
        return walk_folder(w, fd, length, depth + 1); /* which closes it */
    else if (S_ISREG(st.st_mode))
        rc = read_file(w, fd, &st);
    else
        rc = fail_entry(w, JIG_EDENIED, "it is neither a file nor a folder");
    close(fd);
    return rc;
}

/* Puts `name` behind the first `length` bytes of the path. */
static int extend(struct walk *w, size_t length, const char *name)
{
    size_t n = strlen(name), slash = length > 0;
    if (length + slash + n > JIG_BUNDLE_PATH)
        return jig_fail(w->err, JIG_ELIMIT, "%.100s…: a path may have %d bytes", name,
                        JIG_BUNDLE_PATH);
    if (!is_printable(name))
        return jig_fail(w->err, JIG_EINVALID, "a name in the folder has control characters");
    if (slash)
        w->path[length] = '/';
    memcpy(w->path + length + slash, name, n + 1);
    return JIG_OK;
}

static int walk_entries(struct walk *w, DIR *entries, size_t length, int depth)
{
    int rc = JIG_OK;
    errno = 0;
    for (struct dirent *entry; rc == JIG_OK && (entry = readdir(entries)); errno = 0) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        rc = extend(w, length, entry->d_name);
        if (rc == JIG_OK)
            rc = read_entry(w, dirfd(entries), entry->d_name, strlen(w->path), depth);
    }
    if (rc == JIG_OK && errno)
        rc = jig_fail_sys(w->err, errno, "the folder");
    return rc;
}

static int walk_folder(struct walk *w, int fd, size_t length, int depth)
{
    DIR *entries = NULL;
    int rc;
    if (depth > JIG_BUNDLE_DEPTH)
        rc = fail_entry(w, JIG_ELIMIT, "more than 8 folders within folders");
    else if (++w->folders > JIG_BUNDLE_FILES)
        rc = fail_entry(w, JIG_ELIMIT, "more than 1024 folders");
    else if (!(entries = fdopendir(fd)))
        rc = jig_fail_sys(w->err, errno, "the folder");
    else
        rc = walk_entries(w, entries, length, depth);
    if (entries)
        closedir(entries);
    else
        close(fd);
    return rc;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct jig_bundle_file *)a)->path,
                  ((const struct jig_bundle_file *)b)->path);
}

int jig_bundle_read(struct jig_bundle *bundle, const char *folder, struct jig_error *err)
{
    *bundle = (struct jig_bundle){0};
    struct walk w = {.bundle = bundle, .err = err};
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return jig_fail_sys(err, errno, "%s", folder);
    int rc = walk_folder(&w, fd, 0, 0);
    if (rc < 0)
        jig_bundle_release(bundle);
    else if (bundle->n)
        qsort(bundle->files, bundle->n, sizeof *bundle->files, compare);
    return rc;
}

void jig_bundle_release(struct jig_bundle *bundle)
{
    for (size_t i = 0; i < bundle->n; i++) {
        free(bundle->files[i].path);
        free(bundle->files[i].bytes);
    }
    free(bundle->files);
    *bundle = (struct jig_bundle){0};
}
