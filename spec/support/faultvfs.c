/* A VFS for SQLite between it and the real one: journal.disk of spec.journal. For tests only.
 *
 * POWER LOSS: while it records, each operation that changes files is kept with its bytes.
 * disk.crash(n, ...) makes the files as they may stand on disk when the power fails after the n-th
 * operation: what was synced is there; of what was not, nothing, all, or any subset of its sectors
 * of 512 bytes. A name is durable when the log beside it was synced for the first time, as SQLite
 * syncs the folder then.
 *
 * A DISK THAT LIES DOWN: disk.fail(kind, n) makes operations fail from the n-th on.
 *
 * Real syncs are left out. The index of the log ("-shm") is memory and is not looked at.
 */
#include "spec/support/faultvfs.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 8, NAME = 256, SECTOR = 512 };

enum op_kind { OP_READ, OP_WRITE, OP_TRUNCATE, OP_SYNC, OP_DELETE };

struct op {
    enum op_kind kind;
    int file;
    int64_t at; /* offset, or the new size */
    size_t n;
    uint8_t *bytes;
};

/* A file's bytes. */
struct image {
    uint8_t *bytes;
    size_t n, size;
};

struct known_file {
    char path[NAME];
    struct image first; /* as it was when it was opened first */
    bool named;         /* it was there then */
};

/* What a file may be after the first n operations. */
struct fate {
    struct image durable, now;
    bool named, there; /* its name is durable; it exists now */
};

enum fault { NONE, FULL, WRITE, TORN, SYNC, READ, READONLY, FAULTS };

static struct {
    sqlite3_vfs vfs, *real;
    bool on, nosync;
    int checkpoint;
    struct known_file files[FILES];
    int n_files;
    struct fate fates[FILES];
    struct op *ops;
    size_t n_ops;
    enum fault fault;
    int64_t fault_at, fault_until, counted, tripped;
} disk;

struct shim {
    sqlite3_file base;
    int file; /* -1: of no interest */
    sqlite3_file *real;
};

/* ---- images ---- */

static void *need(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static void image_size(struct image *image, size_t n)
{
    if (n > image->size) {
        image->size = 2 * n + 4096;
        image->bytes = need(realloc(image->bytes, image->size));
    }
    if (n > image->n)
        memset(image->bytes + image->n, 0, n - image->n);
    image->n = n;
}

static void image_copy(struct image *to, const struct image *from)
{
    to->n = 0;
    image_size(to, from->n);
    if (from->n)
        memcpy(to->bytes, from->bytes, from->n);
}

static void image_apply(struct image *image, const struct op *op)
{
    if (op->kind == OP_TRUNCATE)
        image_size(image, (size_t)op->at);
    if (op->kind != OP_WRITE)
        return;
    size_t end = (size_t)op->at + op->n;
    if (end > image->n)
        image_size(image, end);
    memcpy(image->bytes + op->at, op->bytes, op->n);
}

static void image_load(struct image *image, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0) {
        image_size(image, (size_t)st.st_size);
        if (read(fd, image->bytes, image->n) != (ssize_t)image->n)
            image->n = 0;
    }
    close(fd);
}

/* ---- what happens ---- */

static int known(const char *path)
{
    for (int i = 0; i < disk.n_files; i++)
        if (strcmp(disk.files[i].path, path) == 0)
            return i;
    if (disk.n_files == FILES || strlen(path) >= NAME)
        return -1;
    struct known_file *file = &disk.files[disk.n_files];
    strcpy(file->path, path);
    file->named = access(path, F_OK) == 0;
    image_load(&file->first, path);
    /* an empty file was only just made, and its name not synced */
    file->named = file->named && file->first.n > 0;
    return disk.n_files++;
}

static void record(enum op_kind kind, int file, int64_t at, const void *bytes, size_t n)
{
    if (file < 0 || kind == OP_READ)
        return;
    struct op *op;
    if ((disk.n_ops & (disk.n_ops + 1)) == 0 || !disk.ops)
        disk.ops = need(realloc(disk.ops, 2 * (disk.n_ops + 1) * sizeof *op));
    op = &disk.ops[disk.n_ops++];
    *op = (struct op){kind, file, at, n, NULL};
    if (n) {
        op->bytes = need(malloc(n));
        memcpy(op->bytes, bytes, n);
    }
}

/* The result of an operation of that kind, when it is to fail now. */
static int trip(enum op_kind kind)
{
    static const struct {
        unsigned kinds;
        int result;
    } faults[FAULTS] = {
        [FULL] = {1U << OP_WRITE | 1U << OP_TRUNCATE, SQLITE_FULL},
        [WRITE] = {1U << OP_WRITE | 1U << OP_TRUNCATE, SQLITE_IOERR_WRITE},
        [TORN] = {1U << OP_WRITE, SQLITE_IOERR_WRITE},
        [SYNC] = {1U << OP_SYNC, SQLITE_IOERR_FSYNC},
        [READ] = {1U << OP_READ, SQLITE_IOERR_READ},
        [READONLY] = {1U << OP_WRITE | 1U << OP_TRUNCATE | 1U << OP_DELETE, SQLITE_READONLY},
    };
    if (!(faults[disk.fault].kinds & 1U << kind))
        return SQLITE_OK;
    int64_t now = disk.counted++;
    if (now < disk.fault_at || now >= disk.fault_until)
        return SQLITE_OK;
    disk.tripped++;
    return faults[disk.fault].result;
}

/* ---- methods of files ---- */

static sqlite3_file *real(sqlite3_file *file)
{
    return ((struct shim *)file)->real;
}

static int shim_close(sqlite3_file *file)
{
    return real(file)->pMethods->xClose(real(file));
}

static int shim_read(sqlite3_file *file, void *bytes, int n, sqlite3_int64 at)
{
    int rc = trip(OP_READ);
    return rc ? rc : real(file)->pMethods->xRead(real(file), bytes, n, at);
}

static int shim_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
    int rc = trip(OP_WRITE), part = rc == SQLITE_OK ? n : disk.fault == TORN ? n / 2 : 0;
    if (part) {
        int done = real(file)->pMethods->xWrite(real(file), bytes, part, at);
        if (done != SQLITE_OK)
            return done;
        record(OP_WRITE, ((struct shim *)file)->file, at, bytes, (size_t)part);
    }
    return rc;
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = trip(OP_TRUNCATE);
    rc = rc ? rc : real(file)->pMethods->xTruncate(real(file), size);
    if (rc == SQLITE_OK)
        record(OP_TRUNCATE, ((struct shim *)file)->file, size, NULL, 0);
    return rc;
}

static int shim_sync(sqlite3_file *file, int flags)
{
    int rc = trip(OP_SYNC);
    (void)flags;
    if (rc == SQLITE_OK && !disk.nosync)
        record(OP_SYNC, ((struct shim *)file)->file, 0, NULL, 0);
    return rc;
}

static int shim_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real(file)->pMethods->xFileSize(real(file), size);
}

static int shim_lock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xLock(real(file), level);
}

static int shim_unlock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xUnlock(real(file), level);
}

static int shim_reserved(sqlite3_file *file, int *result)
{
    return real(file)->pMethods->xCheckReservedLock(real(file), result);
}

static int shim_control(sqlite3_file *file, int op, void *argument)
{
    return real(file)->pMethods->xFileControl(real(file), op, argument);
}

static int shim_sector(sqlite3_file *file)
{
    return real(file)->pMethods->xSectorSize(real(file));
}

static int shim_character(sqlite3_file *file)
{
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int shim_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **at)
{
    return real(file)->pMethods->xShmMap(real(file), page, size, extend, at);
}

static int shim_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}

static void shim_shm_barrier(sqlite3_file *file)
{
    real(file)->pMethods->xShmBarrier(real(file));
}

static int shim_shm_unmap(sqlite3_file *file, int delete)
{
    return real(file)->pMethods->xShmUnmap(real(file), delete);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, /* no memory mapping: every read and write comes here */
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_reserved,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_character,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *flags_out)
{
    struct shim *shim = (struct shim *)file;
    (void)vfs;
    shim->real = (sqlite3_file *)(shim + 1);
    shim->file = name ? known(name) : -1;
    int rc = disk.real->xOpen(disk.real, name, shim->real, flags, flags_out);
    shim->base.pMethods = shim->real->pMethods ? &methods : NULL;
    return rc;
}

static int shim_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    int rc = trip(OP_DELETE);
    (void)vfs;
    if (rc == SQLITE_OK)
        rc = disk.real->xDelete(disk.real, name, sync);
    if (rc == SQLITE_OK)
        record(OP_DELETE, known(name), 0, NULL, 0);
    return rc;
}

/* ---- power loss ---- */

static bool is_log(const char *path)
{
    size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, "-wal") == 0;
}

/* The first sync of a log syncs the folder, too: all names in it. */
static void sync_names(struct fate *fates)
{
    for (int i = 0; i < disk.n_files; i++)
        fates[i].named = fates[i].named || fates[i].there;
}

static void replay(struct fate *fates, size_t n)
{
    for (int i = 0; i < disk.n_files; i++) {
        fates[i].named = disk.files[i].named;
        fates[i].there = disk.files[i].named || disk.files[i].first.n == 0;
        image_copy(&fates[i].durable, &disk.files[i].first);
        image_copy(&fates[i].now, &disk.files[i].first);
    }
    for (size_t i = 0; i < n && i < disk.n_ops; i++) {
        const struct op *op = &disk.ops[i];
        struct fate *fate = &fates[op->file];
        image_apply(&fate->now, op);
        fate->there = op->kind != OP_DELETE;
        if (op->kind == OP_SYNC) {
            image_copy(&fate->durable, &fate->now);
            if (is_log(disk.files[op->file].path) && !fate->named)
                sync_names(fates);
        } else if (op->kind == OP_DELETE) {
            fate->named = false;
            fate->durable.n = fate->now.n = 0;
        }
    }
}

/* xorshift: the same numbers everywhere. */
static bool coin(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed >> 63;
}

/* Lets some of what was not synced reach the disk: each sector as it was or as it is. */
static void keep_some(struct fate *fate, uint64_t *seed)
{
    size_t n = coin(seed) ? fate->now.n : fate->durable.n;
    size_t common = fate->now.n < n ? fate->now.n : n;
    image_size(&fate->durable, n);
    for (size_t at = 0; at < common; at += SECTOR) {
        size_t part = common - at < SECTOR ? common - at : SECTOR;
        if (coin(seed))
            memcpy(fate->durable.bytes + at, fate->now.bytes + at, part);
    }
    fate->named = fate->named || (fate->there && coin(seed));
}

static uint64_t hash(uint64_t sum, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ ((const uint8_t *)bytes)[i]) * 1099511628211U;
    return sum;
}

static void put_file(const char *path, const char *folder, const struct fate *fate)
{
    char to[2 * NAME];
    const char *name = strrchr(path, '/');
    if (strlen(folder) + strlen(name) >= sizeof to)
        abort();
    strcpy(stpcpy(to, folder), name);
    unlink(to);
    if (!fate->named)
        return;
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0 || write(fd, fate->durable.bytes, fate->durable.n) != (ssize_t)fate->durable.n)
        abort();
    close(fd);
}

/* crash(n, "nothing" | "all" | seed, folder) -> a number that stands for what is on disk. The files
 * are made in the folder as they stand after the first n operations and a loss of power. */
static int disk_crash(lua_State *L)
{
    size_t n = (size_t)luaL_checkinteger(L, 1);
    const char *variant = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
    uint64_t seed =
        variant ? 0 : (uint64_t)luaL_checkinteger(L, 2) * 2654435761U + 88172645463325252U;
    const char *folder = luaL_checkstring(L, 3);
    struct fate *fates = disk.fates;
    uint64_t sum = 14695981039346656037U;
    replay(fates, n);
    for (int i = 0; i < disk.n_files; i++) {
        struct fate *fate = &fates[i];
        if (!variant) {
            keep_some(fate, &seed);
        } else if (*variant == 'a') {
            image_copy(&fate->durable, &fate->now);
            fate->named = fate->there;
        }
        sum = hash(hash(sum, &fate->named, 1), fate->durable.bytes,
                   fate->named ? fate->durable.n : 0);
        put_file(disk.files[i].path, folder, fate);
    }
    lua_pushinteger(L, (lua_Integer)sum);
    return 1;
}

/* ---- from Lua ---- */

static void forget_all(void)
{
    for (size_t i = 0; i < disk.n_ops; i++)
        free(disk.ops[i].bytes);
    free(disk.ops);
    for (int i = 0; i < disk.n_files; i++)
        free(disk.files[i].first.bytes);
    memset(disk.files, 0, sizeof disk.files);
    disk.ops = NULL;
    disk.n_ops = 0;
    disk.n_files = 0;
}

/* __gc: the module goes. */
static int disk_gone(lua_State *L)
{
    (void)L;
    forget_all();
    for (int i = 0; i < FILES; i++) {
        free(disk.fates[i].durable.bytes);
        free(disk.fates[i].now.bytes);
    }
    memset(disk.fates, 0, sizeof disk.fates);
    return 0;
}

static int set_checkpoint(sqlite3 *db, char **message, const void *api)
{
    (void)message;
    (void)api;
    return disk.checkpoint ? sqlite3_wal_autocheckpoint(db, disk.checkpoint) : SQLITE_OK;
}

/* start { nosync = false, checkpoint = pages }: all databases that are opened from now on are on
 * this disk, until stop(). Forgets what was recorded. */
static int disk_start(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_getfield(L, 1, "nosync");
    lua_getfield(L, 1, "checkpoint");
    forget_all();
    disk.nosync = lua_toboolean(L, -2);
    disk.checkpoint = (int)luaL_optinteger(L, -1, 0);
    disk.fault = NONE;
    if (!disk.real) {
        sqlite3_initialize();
        disk.real = sqlite3_vfs_find(NULL);
        disk.vfs = *disk.real;
        disk.vfs.zName = "spec-disk";
        disk.vfs.szOsFile = (int)sizeof(struct shim) + disk.real->szOsFile;
        disk.vfs.xOpen = shim_open;
        disk.vfs.xDelete = shim_delete;
    }
    sqlite3_vfs_register(&disk.vfs, 1);
    sqlite3_auto_extension((void (*)(void))set_checkpoint);
    return 0;
}

static int disk_stop(lua_State *L)
{
    (void)L;
    sqlite3_reset_auto_extension();
    if (disk.real)
        sqlite3_vfs_register(disk.real, 1);
    disk.fault = NONE;
    return 0;
}

/* recorded() -> operations so far: writes, truncations, syncs and deletions; syncs among them */
static int disk_recorded(lua_State *L)
{
    lua_Integer syncs = 0;
    for (size_t i = 0; i < disk.n_ops; i++)
        syncs += disk.ops[i].kind == OP_SYNC;
    lua_pushinteger(L, (lua_Integer)disk.n_ops);
    lua_pushinteger(L, syncs);
    return 2;
}

/* fail(kind, n, times = for ever): operations that the fault concerns fail from the n-th (from 0)
 * on. fail("none") ends it. -> operations that were concerned since the last call, failed ones */
static int disk_fail(lua_State *L)
{
    static const char *const kinds[] = {"none", "full", "write",    "torn",
                                        "sync", "read", "readonly", NULL};
    disk.fault = (enum fault)luaL_checkoption(L, 1, NULL, kinds);
    disk.fault_at = luaL_optinteger(L, 2, 0);
    disk.fault_until = disk.fault_at + luaL_optinteger(L, 3, INT64_MAX - disk.fault_at);
    lua_pushinteger(L, disk.counted);
    lua_pushinteger(L, disk.tripped);
    disk.counted = disk.tripped = 0;
    return 2;
}

void faultvfs_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"start", disk_start}, {"stop", disk_stop},   {"recorded", disk_recorded},
        {"fail", disk_fail},   {"crash", disk_crash}, {NULL, NULL},
    };
    luaL_newlib(L, functions);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, disk_gone);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
}
