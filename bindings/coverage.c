/* jig.coverage: which lines of Lua files have run. See coverage.h.
 */
#include "bindings/coverage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bindings/jig.h"

#define VARIABLE "JIG_COVERAGE"

enum {
    BUCKETS = 256,
    RECIPE = JIG_COVERAGE_PATH, /* words of a file of counters */
    LINES,
    NAME = 32, /* of a file of counters */
};

_Static_assert(JIG_COVERAGE_PATH * sizeof(uint32_t) >= PATH_MAX, "a path fits");

/* A chunk's name, and where its lines are counted. */
struct source {
    struct source *next;
    _Atomic uint32_t *words; /* NULL = not a file that can be read, or there is no room */
    uint32_t count;          /* of words */
    char name[];
};

struct jig_coverage {
    struct source *recent; /* most events are of the same source as the one before */
    struct source *buckets[BUCKETS];
    bool made; /* the folder */
    char folder[PATH_MAX];
};

/* FNV-1a */
static uint64_t hash(const char *text)
{
    uint64_t value = 0xcbf29ce484222325;
    for (; *text; text++)
        value = (value ^ (unsigned char)*text) * 0x100000001b3;
    return value;
}

/* ---- files of counters ---- */

/* How many lines a file has; 0 = it cannot be read. */
static uint32_t count_lines(const char *path)
{
    char text[4096];
    uint32_t lines = 1;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return 0;
    while ((n = read(fd, text, sizeof text)) > 0)
        for (ssize_t i = 0; i < n; i++)
            lines += text[i] == '\n';
    close(fd);
    return n < 0 ? 0 : lines;
}

/* Another source of the same hash has no counters. */
static bool claim(int fd, const char *path)
{
    char held[PATH_MAX] = "";
    size_t n = strlen(path) + 1;
    if (pread(fd, held, sizeof held, 0) < 0)
        return false;
    return memcmp(held, path, n) == 0 || (!held[0] && pwrite(fd, path, n, 0) == (ssize_t)n);
}

/* Room is taken beforehand: where the disk is full, a write to what is mapped would kill. */
static _Atomic uint32_t *map_file(int fd, const char *path, size_t bytes)
{
    if (!claim(fd, path) || posix_fallocate(fd, 0, (off_t)bytes) != 0)
        return NULL;
    void *words = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return words == MAP_FAILED ? NULL : words;
}

static void map_counters(const struct jig_coverage *coverage, struct source *source)
{
    char path[PATH_MAX], name[PATH_MAX + NAME];
    uint32_t lines = realpath(source->name + 1, path) ? count_lines(path) : 0;
    if (!lines)
        return;
    snprintf(name, sizeof name, "%s/%016" PRIx64, coverage->folder, hash(path));
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    source->count = LINES + lines + 1;
    source->words = map_file(fd, path, source->count * sizeof *source->words);
    close(fd);
}

/* ---- sources ---- */

/* NULL when there is no memory. */
static struct source *add(struct jig_coverage *coverage, struct source **at, const char *name)
{
    size_t n = strlen(name) + 1;
    struct source *source = calloc(1, sizeof *source + n);
    if (!source)
        return NULL;
    memcpy(source->name, name, n);
    map_counters(coverage, source);
    return *at = source;
}

/* The source of a chunk's name ("@" and the path of a file). By the text of the name: its address
 * is another's when its state is gone. */
static struct source *find(struct jig_coverage *coverage, const char *name)
{
    if (coverage->recent && strcmp(coverage->recent->name, name) == 0)
        return coverage->recent;
    struct source **at = &coverage->buckets[hash(name) % BUCKETS];
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    struct source *source = *at ? *at : add(coverage, at, name);
    if (source)
        coverage->recent = source;
    return source;
}

static void count(struct source *source, uint32_t word)
{
    if (source && source->words && word < source->count)
        atomic_fetch_add_explicit(&source->words[word], 1, memory_order_relaxed);
}

void jig_coverage_line(struct jig_coverage *coverage, lua_State *L, lua_Debug *ar)
{
    lua_getinfo(L, "S", ar);
    if (ar->source[0] == '@' && ar->currentline > 0)
        count(find(coverage, ar->source), LINES + (uint32_t)ar->currentline);
}

/* ---- opening and closing ---- */

struct jig_coverage *jig_coverage_new(void)
{
    const char *folder = getenv(VARIABLE);
    size_t n = folder ? strlen(folder) : 0;
    if (n == 0 || n >= PATH_MAX)
        return NULL;
    struct jig_coverage *coverage = calloc(1, sizeof *coverage);
    if (coverage)
        memcpy(coverage->folder, folder, n + 1);
    return coverage;
}

static void free_source(struct source *source)
{
    if (source->words)
        munmap((void *)source->words, source->count * sizeof *source->words);
    free(source);
}

static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder));)
        unlinkat(dirfd(folder), entry->d_name, 0); // but for "." and ".."
    closedir(folder);
    rmdir(path);
}

void jig_coverage_free(struct jig_coverage *coverage)
{
    if (!coverage)
        return;
    for (int i = 0; i < BUCKETS; i++) {
        while (coverage->buckets[i]) {
            struct source *source = coverage->buckets[i];
            coverage->buckets[i] = source->next;
            free_source(source);
        }
    }
    if (coverage->made)
        remove_folder(coverage->folder);
    free(coverage);
}

/* ---- for scripts ---- */

/* A new folder, which the environment names from now on. */
static int make_folder(char path[PATH_MAX], struct jig_error *err)
{
    const char *where = getenv("TMPDIR");
    snprintf(path, PATH_MAX, "%s/jig-coverage-XXXXXX", where && *where ? where : "/tmp");
    if (!mkdtemp(path))
        return jig_fail_sys(err, errno, "%s", path);
    if (setenv(VARIABLE, path, 1) < 0)
        return jig_fail_sys(err, errno, "%s", VARIABLE);
    return JIG_OK;
}

/*
 * coverage.start() -> the folder of the counters | nil, message, code. From here on counts what the
 * calling coroutine runs, those that it makes, and engines and processes that begin. The folder
 * goes with the program. Does not yield.
 */
static int start(lua_State *L)
{
    struct jig_engine *engine = jigL_engine(L);
    struct jig_error err;
    char path[PATH_MAX];
    if (make_folder(path, &err) < 0)
        return jigL_fail(L, &err);
    jig_coverage_free(engine->coverage);
    engine->coverage = jig_coverage_new();
    if (!engine->coverage)
        return luaL_error(L, "no memory for coverage");
    engine->coverage->made = true;
    jigL_rest(L);
    lua_pushstring(L, path);
    return 1;
}

/*
 * coverage.recipe(path). The file is about to be run as a recipe. Does nothing without coverage,
 * and does not yield.
 */
static int recipe(lua_State *L)
{
    struct jig_coverage *coverage = jigL_engine(L)->coverage;
    luaL_checkstring(L, 1);
    if (coverage)
        count(find(coverage, lua_pushfstring(L, "@%s", lua_tostring(L, 1))), RECIPE);
    return 0;
}

int luaopen_jig_coverage(lua_State *L)
{
    static const luaL_Reg functions[] = {{"start", start}, {"recipe", recipe}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
