/* See folder.h. */
#include "core/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE = 0750, FILE_MODE = 0640 };

int jig_folder_sync(const char *path, struct jig_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return jig_fail_sys(err, errno, "cannot open the folder %s", path);
    int sys = fsync(fd) < 0 ? errno : 0;
    close(fd);
    /* some file systems have nothing to sync there, and say so */
    if (sys && sys != EINVAL && sys != ENOTSUP)
        return jig_fail_sys(err, sys, "cannot sync the folder %s", path);
    return JIG_OK;
}

/* Makes the folder `path` and syncs `above`, in which its name stands, when it was missing. */
static int make(const char *path, const char *above, struct jig_error *err)
{
    if (mkdir(path, MODE) == 0)
        return jig_folder_sync(above, err);
    if (errno == EEXIST)
        return JIG_OK;
    return jig_fail_sys(err, errno, "cannot make the folder %s", path);
}

int jig_folder_make(const char *path, struct jig_error *err)
{
    struct stat st;
    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode) ? JIG_OK : jig_fail_sys(err, ENOTDIR, "cannot use %s", path);
    if (!*path)
        return jig_fail_sys(err, ENOENT, "cannot make a folder without a name");
    size_t size = strlen(path) + 2;
    char *part = calloc(2, size);
    if (!part)
        return jig_fail(err, JIG_ENOMEM, "no memory to make the folder %s", path);
    char *above = part + size;
    strcpy(above, *path == '/' ? "/" : ".");
    int rc = JIG_OK;
    for (size_t n = 1; rc == JIG_OK && path[n - 1]; n++) {
        if ((path[n] && path[n] != '/') || path[n - 1] == '/')
            continue;
        memcpy(part, path, n);
        rc = make(part, above, err);
        memcpy(above, part, n + 1);
    }
    free(part);
    if (rc == JIG_OK && (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))) /* a link to nowhere */
        rc = jig_fail_sys(err, ENOTDIR, "cannot use %s", path);
    return rc;
}

uint64_t jig_folder_numbers(const char *path)
{
    uint64_t found = 0;
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char *end, digit = entry->d_name[0];
        unsigned long number = strtoul(entry->d_name, &end, 10);
        bool plain =
            digit >= '0' && digit <= '9' && *end == '\0' && (digit != '0' || !entry->d_name[1]);
        if (plain && number < 64)
            found |= UINT64_C(1) << number;
    }
    if (folder)
        closedir(folder);
    return found;
}

static void hand_over(const char *path, int fd)
{
    struct stat st;
    char *folder = geteuid() == 0 ? strdup(path) : NULL;
    char *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash)
        slash[slash == folder] = '\0';
    if (folder && stat(slash ? folder : ".", &st) == 0 && st.st_uid != 0)
        (void)!fchown(fd, st.st_uid, st.st_gid); /* as well as it goes */
    free(folder);
}

int jig_folder_open(const char *path, int flags)
{
    int fd = flags & O_EXCL ? -1 : open(path, flags & ~O_CREAT);
    if (fd >= 0 || !(flags & O_CREAT) || (!(flags & O_EXCL) && errno != ENOENT))
        return fd;
    fd = open(path, flags | O_EXCL, FILE_MODE);
    if (fd >= 0)
        hand_over(path, fd);
    return fd;
}

bool jig_folder_names(const char *path, int fd)
{
    struct stat mine, now;
    return fstat(fd, &mine) == 0 && lstat(path, &now) == 0 && mine.st_dev == now.st_dev &&
           mine.st_ino == now.st_ino;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path) < 0 && errno != ENOENT ? errno : 0;
}

int jig_folder_remove(const char *path, struct jig_error *err)
{
    enum { OPEN_AT_ONCE = 8 };
    int sys = nftw(path, remove_entry, OPEN_AT_ONCE, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    if (sys < 0)
        sys = errno == ENOENT ? 0 : errno;
    return sys ? jig_fail_sys(err, sys, "cannot remove the folder %s", path) : JIG_OK;
}
