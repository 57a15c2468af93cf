/* jig.host: what `jig doctor` asks the machine that Lua's own libraries do not tell. Nothing here
 * changes anything or waits for a device; `sync` waits for the disk. Recipes do not see it. */
#include "bindings/jig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define LISTING "jig.host.listing"

enum {
    BLOCK = 4096,      /* what one commit of the journal writes, about */
    ROUNDS = 5,        /* synced writes of which the slowest counts */
    ENTRIES = 1 << 20, /* names of a folder, at most */
    GROUPS = 1 << 16,  /* of a process, as Linux has it (NGROUPS_MAX) */
};

static int fail(lua_State *L, const char *path)
{
    struct jig_error err;
    jig_fail_sys(&err, errno, "%s", path);
    return jigL_fail(L, &err);
}

static const char *check_path(lua_State *L, int arg)
{
    size_t n;
    const char *path = luaL_checklstring(L, arg, &n);
    luaL_argcheck(L, n > 0 && strlen(path) == n, arg, "no path");
    return path;
}

static void set_integer(lua_State *L, const char *key, lua_Integer value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, key);
}

static const char *kind_of(mode_t mode)
{
    return S_ISREG(mode)    ? "file"
           : S_ISDIR(mode)  ? "folder"
           : S_ISLNK(mode)  ? "link"
           : S_ISCHR(mode)  ? "device"
           : S_ISSOCK(mode) ? "socket"
                            : "other";
}

/*
 * host.stat(path) -> { kind, mode, uid, gid, size, id } | nil, message, code. What a link leads to.
 * `kind`: "file", "folder", "device" (of characters), "socket" or "other"; `mode`: the twelve bits
 * of permission; `size` in bytes; `id`: "major:minor:inode" as /proc/locks names a file. Does not
 * yield.
 */
static int host_stat(lua_State *L)
{
    const char *path = check_path(L, 1);
    struct stat st;
    if (stat(path, &st) < 0)
        return fail(L, path);
    lua_createtable(L, 0, 6);
    lua_pushstring(L, kind_of(st.st_mode));
    lua_setfield(L, -2, "kind");
    set_integer(L, "mode", st.st_mode & 07777);
    set_integer(L, "uid", st.st_uid);
    set_integer(L, "gid", st.st_gid);
    set_integer(L, "size", st.st_size);
    char id[64];
    snprintf(id, sizeof id, "%02x:%02x:%ju", major(st.st_dev), minor(st.st_dev),
             (uintmax_t)st.st_ino);
    lua_pushstring(L, id);
    lua_setfield(L, -2, "id");
    return 1;
}

/*
 * host.may(path, how) -> true | nil, message, code. Whether this process may read ("r"), write
 * ("w") and execute or enter ("x") it: any of these letters. Does not yield.
 */
static int host_may(lua_State *L)
{
    const char *path = check_path(L, 1), *how = luaL_checkstring(L, 2);
    luaL_argcheck(L, *how && strspn(how, "rwx") == strlen(how), 2, "letters of \"rwx\"");
    int mode = (strchr(how, 'r') ? R_OK : 0) | (strchr(how, 'w') ? W_OK : 0) |
               (strchr(how, 'x') ? X_OK : 0);
    if (faccessat(AT_FDCWD, path, mode, AT_EACCESS) < 0)
        return fail(L, path);
    lua_pushboolean(L, 1);
    return 1;
}

static int close_listing(lua_State *L)
{
    DIR **folder = luaL_checkudata(L, 1, LISTING);
    if (*folder)
        closedir(*folder);
    *folder = NULL;
    return 0;
}

/* Adds the names of a folder to the table on top. 0 or a code. [-0, +0, m] */
static int add_names(lua_State *L, DIR *folder, const char *path, struct jig_error *err)
{
    lua_Integer n = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry)
            return errno ? jig_fail_sys(err, errno, "%s", path) : JIG_OK;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (n == ENTRIES)
            return jig_fail(err, JIG_ELIMIT, "%s: more than %d names", path, ENTRIES);
        lua_pushstring(L, entry->d_name);
        lua_rawseti(L, -2, ++n);
    }
}

/*
 * host.list(path) -> the names of all that stands in a folder, but "." and "..", in no order | nil,
 * message, code ("limit": more than 1048576). Does not yield.
 */
static int host_list(lua_State *L)
{
    const char *path = check_path(L, 1);
    struct jig_error err;
    lua_settop(L, 1);
    DIR **folder = lua_newuserdatauv(L, sizeof(DIR *), 0);
    *folder = NULL;
    luaL_setmetatable(L, LISTING);
    *folder = opendir(path);
    if (!*folder)
        return fail(L, path);
    lua_newtable(L);
    int code = add_names(L, *folder, path, &err);
    closedir(*folder);
    *folder = NULL;
    return code < 0 ? jigL_fail(L, &err) : 1;
}

/*
 * host.disk(path) -> { size, free, nodes, free_nodes } of the file system that it is on | nil,
 * message, code. `size` and `free` in bytes, what others than root may use; `nodes`: how many files
 * it can hold, 0 where that has no limit. Does not yield.
 */
static int host_disk(lua_State *L)
{
    const char *path = check_path(L, 1);
    struct statvfs at;
    if (statvfs(path, &at) < 0)
        return fail(L, path);
    lua_createtable(L, 0, 4);
    set_integer(L, "size", (lua_Integer)at.f_blocks * (lua_Integer)at.f_frsize);
    set_integer(L, "free", (lua_Integer)at.f_bavail * (lua_Integer)at.f_frsize);
    set_integer(L, "nodes", (lua_Integer)at.f_files);
    set_integer(L, "free_nodes", (lua_Integer)at.f_favail);
    return 1;
}

/* Where a file system makes none without a name: a name that is removed at once. */
static int open_removed(const char *folder)
{
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s/.jig-XXXXXX", folder) >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

/* A file without a name, which is gone when it is closed. */
static int open_unnamed(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        return open_removed(folder);
    return fd;
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* ns of one synced write; -1 with errno. */
static int64_t synced_write(int fd)
{
    static const char block[BLOCK];
    int64_t began = now();
    ssize_t n = write(fd, block, sizeof block);
    if (n >= 0 && n < (ssize_t)sizeof block)
        errno = ENOSPC;
    if (n != (ssize_t)sizeof block || fdatasync(fd) < 0)
        return -1;
    return now() - began;
}

/*
 * host.sync(folder) -> seconds | nil, message, code. How long the slowest of a few writes of 4 KiB
 * took until it was on the disk, in a file of that folder that has no name. Does not yield, and
 * waits for the disk.
 */
static int host_sync(lua_State *L)
{
    const char *folder = check_path(L, 1);
    int fd = open_unnamed(folder);
    if (fd < 0)
        return fail(L, folder);
    int64_t slowest = 0;
    for (int i = 0; i < ROUNDS && slowest >= 0; i++) {
        int64_t took = synced_write(fd);
        slowest = took < 0 || took > slowest ? took : slowest;
    }
    int sys = errno;
    close(fd);
    errno = sys;
    if (slowest < 0)
        return fail(L, folder);
    lua_pushnumber(L, (lua_Number)slowest / 1e9);
    return 1;
}

/*
 * host.lock(folder) -> true | nil, message, code. Whether files can be made and locked in that
 * folder: tries it on one that has no name. Does not yield.
 */
static int host_lock(lua_State *L)
{
    const char *folder = check_path(L, 1);
    int fd = open_unnamed(folder);
    if (fd < 0)
        return fail(L, folder);
    int rc = flock(fd, LOCK_EX | LOCK_NB), sys = errno;
    close(fd);
    errno = sys;
    if (rc < 0)
        return fail(L, folder);
    lua_pushboolean(L, 1);
    return 1;
}

/*
 * host.clock() -> { synchronised, off } | nil, message, code. Whether something keeps the system's
 * clock right (adjtimex(2)), and by how many seconds it is wrong at most then. Does not yield.
 */
static int host_clock(lua_State *L)
{
    struct timex about = {.modes = 0};
    int state = adjtimex(&about);
    if (state < 0)
        return fail(L, "adjtimex");
    lua_createtable(L, 0, 2);
    lua_pushboolean(L, state != TIME_ERROR && !(about.status & STA_UNSYNC));
    lua_setfield(L, -2, "synchronised");
    lua_pushnumber(L, (lua_Number)about.maxerror / 1e6);
    lua_setfield(L, -2, "off");
    return 1;
}

/*
 * host.identity() -> { uid, groups }: which user this process is, and the groups that count for it,
 * as numbers. Does not yield. Raises when they cannot be had.
 */
static int host_identity(lua_State *L)
{
    int n = getgroups(0, NULL);
    if (n < 0 || n > GROUPS)
        return luaL_error(L, "the groups of this process cannot be had");
    gid_t *groups = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *groups, 0);
    n = getgroups(n, groups);
    if (n < 0)
        return luaL_error(L, "the groups of this process cannot be had: %s", strerror(errno));
    lua_createtable(L, 0, 2);
    set_integer(L, "uid", geteuid());
    lua_createtable(L, n + 1, 0);
    lua_pushinteger(L, getegid());
    lua_rawseti(L, -2, 1);
    for (int i = 0; i < n; i++) {
        lua_pushinteger(L, groups[i]);
        lua_rawseti(L, -2, i + 2);
    }
    lua_setfield(L, -2, "groups");
    return 1;
}

int luaopen_jig_host(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"stat", host_stat},   {"may", host_may},           {"list", host_list},
        {"disk", host_disk},   {"sync", host_sync},         {"lock", host_lock},
        {"clock", host_clock}, {"identity", host_identity}, {NULL, NULL},
    };
    luaL_newmetatable(L, LISTING);
    lua_pushcfunction(L, close_listing);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, functions);
    return 1;
}
