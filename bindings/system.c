/* jig.system: what commands need of the machine and Lua's own libraries do not give. */
#include "bindings/jig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/digest.h"
#include "core/folder.h"

#define FOLDER   "jig.system.folder"
#define RELEASED "jig.system.released"

enum { SLOT_DESCRIPTORS = 6 };

/* SplitMix64 (Steele, Lea, Flood 2014): eight bytes a step. */
static void follow(uint64_t *state, char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i += 8) {
        uint64_t z = *state += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        memcpy(bytes + i, &z, n - i < sizeof z ? n - i : sizeof z);
    }
}

/*
 * system.random(n) -> n random bytes (at most 256) from the kernel; in a world with a seed, those
 * that follow from it. Does not yield.
 */
static int random_bytes(lua_State *L)
{
    lua_Integer n = luaL_checkinteger(L, 1);
    luaL_argcheck(L, n >= 0 && n <= 256, 1, "0 to 256 bytes");
    char bytes[256];
    struct jig_engine *engine = jigL_engine(L);
    if (engine->seeded)
        follow(&engine->chance, bytes, (size_t)n);
    else if (getrandom(bytes, (size_t)n, 0) !=
             (ssize_t)n) /* whole up to 256 bytes, says its manual */
        return luaL_error(L, "the kernel gives no random bytes: %s", strerror(errno));
    lua_pushlstring(L, bytes, (size_t)n);
    return 1;
}

/*
 * system.terminal(descriptor) -> columns, rows when it is a terminal, else nil. 80 and 24 where it
 * does not know itself.
 */
static int terminal(lua_State *L)
{
    struct winsize size = {0};
    int fd = (int)luaL_checkinteger(L, 1);
    if (!isatty(fd)) {
        luaL_pushfail(L);
        return 1;
    }
    ioctl(fd, TIOCGWINSZ, &size);
    lua_pushinteger(L, size.ws_col ? size.ws_col : 80);
    lua_pushinteger(L, size.ws_row ? size.ws_row : 24);
    return 2;
}

/*
 * system.writable(descriptor) -> whether a write would begin at once: not on a terminal that was
 * stopped (Ctrl-S) or whose reader is behind. Does not yield.
 */
static int writable(lua_State *L)
{
    struct pollfd at = {.fd = (int)luaL_checkinteger(L, 1), .events = POLLOUT};
    lua_pushboolean(L, poll(&at, 1, 0) == 1 && at.revents & POLLOUT);
    return 1;
}

/*
 * system.hostname() -> the machine's name.
 */
static int hostname(lua_State *L)
{
    char name[HOST_NAME_MAX + 1] = "";
    gethostname(name, sizeof name - 1);
    lua_pushstring(L, name);
    return 1;
}

/*
 * system.realpath(path) -> the absolute path without links | nil, message, code.
 */
static int real_path(lua_State *L)
{
    char path[PATH_MAX];
    struct jig_error err;
    const char *given = luaL_checkstring(L, 1);
    if (!realpath(given, path)) {
        jig_fail_sys(&err, errno, "%s", given);
        return jigL_fail(L, &err);
    }
    lua_pushstring(L, path);
    return 1;
}

static const char *check_path(lua_State *L, int arg)
{
    size_t n;
    const char *path = luaL_checklstring(L, arg, &n);
    luaL_argcheck(L, n > 0 && strlen(path) == n, arg, "no path");
    return path;
}

/* Puts what a link leads to in its place; false when it is none. */
static bool follow_link(char path[PATH_MAX])
{
    char link[PATH_MAX];
    ssize_t n = readlink(path, link, sizeof link);
    if (n <= 0 || n == sizeof link)
        return false;
    const char *slash = link[0] == '/' ? NULL : strrchr(path, '/');
    size_t kept = slash ? (size_t)(slash - path) + 1 : 0;
    if (kept + (size_t)n >= PATH_MAX)
        return false;
    memcpy(path + kept, link, (size_t)n);
    path[kept + (size_t)n] = '\0';
    return true;
}

/*
 * system.place(path) -> the absolute path, without links, that a file of that name will have when
 * it is made | nil, message, code. A link may lead to where nothing is yet; the folder is there.
 */
static int place(lua_State *L)
{
    enum { LINKS = 40 }; /* as many as the kernel follows */
    char path[PATH_MAX], folder[PATH_MAX];
    struct jig_error err;
    const char *given = check_path(L, 1);
    if (strlen(given) >= sizeof path) {
        jig_fail_sys(&err, ENAMETOOLONG, "%s", given);
        return jigL_fail(L, &err);
    }
    strcpy(path, given);
    for (int i = 0; i < LINKS && follow_link(path); i++)
        ;
    char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    lua_pushstring(L, name);
    *name = '\0';
    if (!realpath(*path ? path : ".", folder)) {
        jig_fail_sys(&err, errno, "%s", given);
        return jigL_fail(L, &err);
    }
    lua_pushfstring(L, "%s/%s", folder[1] ? folder : "", lua_tostring(L, -1));
    return 1;
}

static int check_program(const char *path, struct jig_error *err)
{
    struct stat info;
    if (stat(path, &info) < 0)
        return jig_fail_sys(err, errno, "%s", path);
    if (!S_ISREG(info.st_mode))
        return jig_fail(err, JIG_EDENIED, "%s: is not a file", path);
    if (access(path, X_OK) < 0)
        return jig_fail(err, JIG_EDENIED, "%s: is not executable", path);
    return JIG_OK;
}

/*
 * system.program(name) -> the path of a program that may be executed | nil, message, code. A name
 * without
 * '/' is looked up in PATH.
 */
static int program(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    struct jig_error err;
    if (strchr(name, '/')) {
        if (check_program(name, &err) < 0)
            return jigL_fail(L, &err);
        lua_pushvalue(L, 1);
        return 1;
    }
    const char *path = getenv("PATH");
    for (const char *p = path ? path : ""; *p;) {
        size_t n = strcspn(p, ":");
        lua_pushlstring(L, p, n);
        lua_pushfstring(L, "%s/%s", n ? lua_tostring(L, -1) : ".", name);
        if (check_program(lua_tostring(L, -1), &err) == JIG_OK)
            return 1;
        lua_pop(L, 2);
        p += n + (p[n] == ':');
    }
    jig_fail(&err, JIG_ENOTFOUND, "%s: no such program in PATH", name);
    return jigL_fail(L, &err);
}

/*
 * system.sha256(path) -> the SHA-256 of a whole file, 32 raw bytes | nil, message, code. Waits for
 * the disk. Not in jig.digest, which recipes see.
 */
static int sha256(lua_State *L)
{
    uint8_t digest[JIG_SHA256_SIZE];
    struct jig_error err;
    if (jig_digest_file(JIG_SHA256, digest, check_path(L, 1), &err) < 0)
        return jigL_fail(L, &err);
    lua_pushlstring(L, (const char *)digest, sizeof digest);
    return 1;
}

/*
 * system.make_folder(path) -> true | nil, message, code. Makes a folder and those above it that are
 * missing, for this user and its group (mode 0750). One that is there is no failure.
 */
static int make_folder(lua_State *L)
{
    struct jig_error err;
    if (jig_folder_make(check_path(L, 1), &err) < 0)
        return jigL_fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

/* A new file beside it, for this user alone, with these bytes. */
static int write_beside(const char *path, const char *bytes, size_t n, struct jig_error *err)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return jig_fail_sys(err, errno, "%s", path);
    ssize_t wrote = 0;
    for (size_t done = 0; done < n && wrote >= 0; done += (size_t)wrote)
        wrote = write(fd, bytes + done, n - done);
    int code = wrote < 0 ? jig_fail_sys(err, errno, "%s", path) : JIG_OK;
    close(fd);
    if (code < 0)
        unlink(path);
    return code;
}

/*
 * system.write_private(path, bytes) -> true | nil, message, code. Puts a file that this user alone
 * may read (mode 0600) in the place of what is there: whole, or not at all. Waits for the disk.
 */
static int write_private(lua_State *L)
{
    struct jig_error err;
    size_t n;
    const char *path = check_path(L, 1), *bytes = luaL_checklstring(L, 2, &n);
    const char *beside = lua_pushfstring(L, "%s.%d", path, (int)getpid());
    if (write_beside(beside, bytes, n, &err) < 0)
        return jigL_fail(L, &err);
    if (rename(beside, path) < 0) {
        jig_fail_sys(&err, errno, "%s", path);
        unlink(beside);
        return jigL_fail(L, &err);
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int close_created(lua_State *L)
{
    luaL_Stream *file = luaL_checkudata(L, 1, LUA_FILEHANDLE);
    return luaL_fileresult(L, fclose(file->f) == 0, NULL);
}

/*
 * system.create(path [, private]) -> file (as of io.open) | nil, message. Makes a file that was not
 * there, also not as a link to one, and opens it for writing; with `private` this user alone may
 * read it (mode 0600). Does not yield.
 */
static int create(lua_State *L)
{
    const char *path = check_path(L, 1);
    mode_t mode = lua_toboolean(L, 2) ? 0600 : 0666;
    luaL_Stream *file = lua_newuserdatauv(L, sizeof *file, 0);
    file->closef = NULL; /* closed as yet */
    luaL_setmetatable(L, LUA_FILEHANDLE);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return luaL_fileresult(L, 0, path);
    file->f = fdopen(fd, "w");
    if (!file->f) {
        close(fd);
        return luaL_fileresult(L, 0, path);
    }
    file->closef = close_created;
    return 1;
}

/*
 * system.remove_folder(path) -> true | nil, message, code. Removes a folder and all that stands in
 * it; one that is not there is no failure. Does not yield.
 */
static int remove_folder(lua_State *L)
{
    struct jig_error err;
    if (jig_folder_remove(check_path(L, 1), &err) < 0)
        return jigL_fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

static int close_folder(lua_State *L)
{
    DIR **folder = luaL_checkudata(L, 1, FOLDER);
    if (*folder)
        closedir(*folder);
    *folder = NULL;
    return 0;
}

/* The folder at index 2 of the stack, and at 3 the table of its files. */
static void list_files(lua_State *L, DIR *folder)
{
    struct stat info;
    lua_Integer n = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (fstatat(dirfd(folder), entry->d_name, &info, 0) < 0 || !S_ISREG(info.st_mode))
            continue;
        lua_pushstring(L, entry->d_name);
        lua_rawseti(L, 3, ++n);
    }
}

/*
 * system.files(path) -> names of the regular files that stand in a folder, in no order; links are
 * followed | nil, message, code. Does not yield.
 */
static int files(lua_State *L)
{
    const char *path = check_path(L, 1);
    lua_settop(L, 1);
    DIR **folder = lua_newuserdatauv(L, sizeof(DIR *), 0);
    *folder = NULL;
    luaL_setmetatable(L, FOLDER);
    *folder = opendir(path);
    if (!*folder) {
        struct jig_error err;
        jig_fail_sys(&err, errno, "%s", path);
        return jigL_fail(L, &err);
    }
    lua_newtable(L);
    list_files(L, *folder);
    closedir(*folder);
    *folder = NULL;
    return 1;
}

/*
 * system.kind(path) -> "file", "folder" or "other", what a link leads to; nil when nothing is
 * there. Does not yield.
 */
static int kind(lua_State *L)
{
    struct stat info;
    if (stat(check_path(L, 1), &info) < 0)
        lua_pushnil(L);
    else
        lua_pushstring(L, S_ISREG(info.st_mode)   ? "file"
                          : S_ISDIR(info.st_mode) ? "folder"
                                                  : "other");
    return 1;
}

/*
 * system.descriptors() -> how many descriptors this process has open.
 */
static int descriptors(lua_State *L)
{
    int count = 0, top = (int)sysconf(_SC_OPEN_MAX);
    for (int fd = 0; fd < top && fd < 65536; fd++) {
        struct stat info;
        count += fstat(fd, &info) == 0;
    }
    lua_pushinteger(L, count);
    return 1;
}

/*
 * system.descriptor_limit() -> how many descriptors this process may have open: jig begins with as
 * many as it can get. Of them a slot takes SLOT_DESCRIPTORS at most, which is the second result.
 *
 * While a call runs these are its port (1; a program's pipes 2), what the CLI prints and what it
 * complains (2), its pidfd (1) and its place at the gate (1).
 */
static int descriptor_limit(lua_State *L)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT_MAX)
        limit.rlim_cur = INT_MAX;
    lua_pushinteger(L, (lua_Integer)limit.rlim_cur);
    lua_pushinteger(L, SLOT_DESCRIPTORS);
    return 2;
}

/*
 * system.log(level [, payload]). What goes to stderr: "error", "warn", "info", "debug" or "trace";
 * payload = true lets the trace show bytes.
 */
static int set_log(lua_State *L)
{
    static const char *const levels[] = {"error", "warn", "info", "debug", "trace", NULL};
    struct jig_engine *engine = jigL_engine(L);
    engine->log.level = (enum jig_log_level)luaL_checkoption(L, 1, NULL, levels);
    engine->log.payload = lua_toboolean(L, 2);
    return 0;
}

/* ---- signals ---- */

/*
 * system.catch_signals(). From now on SIGINT, SIGTERM, SIGHUP (unless it is ignored, as nohup has
 * it) and SIGQUIT only wake wait_signal; before, they end the program as system.exit(5) does.
 */
static int catch_signals(lua_State *L)
{
    jigL_engine(L)->signals_claimed = true;
    return 0;
}

static const char *signal_name(int signum)
{
    switch (signum) {
    case SIGTERM:
        return "TERM";
    case SIGHUP:
        return "HUP";
    case SIGQUIT:
        return "QUIT";
    default:
        return "INT";
    }
}

/* What SIGINT and SIGTERM did before they were released. */
struct released {
    bool on;
    struct sigaction before[2];
};

static const int END_SIGNALS[] = {SIGINT, SIGTERM};

static int catch_again(lua_State *L)
{
    struct released *released = luaL_checkudata(L, 1, RELEASED);
    for (int i = 0; released->on && i < 2; i++)
        sigaction(END_SIGNALS[i], &released->before[i], NULL);
    released->on = false;
    return 0;
}

/*
 * system.release_signals() -> a value to be closed. Until then SIGINT and SIGTERM end the process
 * at once, as they do where nobody catches them: for code during which the loop, which hears of
 * them, has no turn. Does not yield.
 */
static int release_signals(lua_State *L)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    struct released *released = lua_newuserdatauv(L, sizeof *released, 0);
    memset(released, 0, sizeof *released);
    if (luaL_newmetatable(L, RELEASED)) {
        lua_pushcfunction(L, catch_again);
        lua_setfield(L, -2, "__close");
    }
    lua_setmetatable(L, -2);
    for (int i = 0; i < 2; i++)
        sigaction(END_SIGNALS[i], &plain, &released->before[i]);
    released->on = true;
    return 1;
}

static int signal_on(lua_State *L, int status, lua_KContext ctx)
{
    struct jig_engine *engine = jigL_engine(L);
    (void)ctx;
    for (;;) {
        if (engine->signals) {
            engine->signals--;
            lua_pushboolean(L, 1);
            lua_pushstring(L, signal_name(engine->signum));
            return 2;
        }
        if (status == LUA_YIELD && engine->signal_wait->outcome != JIG_OK)
            return jigL_fail_wait(L, engine->signal_wait, "system.wait_signal");
        if (!jigL_block(L, engine->signal_wait, "system.wait_signal"))
            return jigL_yield(L, 0, signal_on);
        status = LUA_YIELD;
    }
}

/*
 * system.wait_signal() -> true, "INT", "TERM", "HUP" or "QUIT" (the latest) when one of these has
 * arrived, once for each | nil, message, code. One task may wait. Yields.
 */
static int wait_signal(lua_State *L)
{
    jigL_wait_begin(L, jigL_engine(L)->signal_wait, "signal", HUGE_VAL, false);
    return signal_on(L, LUA_OK, 0);
}

/*
 * system.exit([status [, settled]]). Ends the program from inside a task: nothing of the task runs
 * any more, child processes are ended and sessions reported; one that nobody accepts makes the
 * status 6, unless it is settled. Replaces os.exit in the main state.
 */
static int exit_program(lua_State *L)
{
    struct jig_engine *engine = jigL_engine(L);
    if (lua_isboolean(L, 1))
        engine->status = lua_toboolean(L, 1) ? EXIT_SUCCESS : EXIT_FAILURE;
    else
        engine->status = (int)luaL_optinteger(L, 1, EXIT_SUCCESS);
    engine->settled = lua_toboolean(L, 2);
    engine->leaving = true;
    if (engine->current && lua_isyieldable(L))
        return jigL_yield(L, 0, NULL); /* never resumed */
    return luaL_error(L, "exit");
}

int luaopen_jig_system(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"random", random_bytes},
        {"hostname", hostname},
        {"realpath", real_path},
        {"place", place},
        {"program", program},
        {"make_folder", make_folder},
        {"remove_folder", remove_folder},
        {"write_private", write_private},
        {"create", create},
        {"files", files},
        {"kind", kind},
        {"sha256", sha256},
        {"descriptors", descriptors},
        {"descriptor_limit", descriptor_limit},
        {"log", set_log},
        {"catch_signals", catch_signals},
        {"release_signals", release_signals},
        {"wait_signal", wait_signal},
        {"exit", exit_program},
        /* terminals */
        {"terminal", terminal},
        {"writable", writable},
        {NULL, NULL},
    };
    luaL_newmetatable(L, FOLDER);
    lua_pushcfunction(L, close_folder);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, functions);
    return 1;
}
