/* spec.mockdev: devices that umockdev makes up, plugged in and unplugged. For a process that runs
 * under umockdev-wrapper, which then sees them in /sys and /dev and is told of them as by udevd. */
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdlib.h>
#include <umockdev.h>
#include <unistd.h>

static UMockdevTestbed *bed;

static UMockdevTestbed *bed_of(lua_State *L)
{
    if (!bed)
        bed = umockdev_testbed_new();
    if (!umockdev_in_mock_environment())
        luaL_error(L, "this process does not run under umockdev-wrapper");
    return bed;
}

/* mockdev.add(description): devices as umockdev-record writes them, each told as added. */
static int add(lua_State *L)
{
    GError *error = NULL;
    if (umockdev_testbed_add_from_string(bed_of(L), luaL_checkstring(L, 1), &error))
        return 0;
    lua_pushstring(L, error->message);
    g_error_free(error);
    return lua_error(L);
}

/* mockdev.remove(path): takes the device at that path of /sys away, and says nothing of it. */
static int take_away(lua_State *L)
{
    umockdev_testbed_remove_device(bed_of(L), luaL_checkstring(L, 1));
    return 0;
}

/* mockdev.tell(path, action): an event of the device, "add", "remove", "change", "bind" ... */
static int tell(lua_State *L)
{
    umockdev_testbed_uevent(bed_of(L), luaL_checkstring(L, 1), luaL_checkstring(L, 2));
    return 0;
}

/* mockdev.root() -> the folder in which its /sys and /dev are. */
static int root(lua_State *L)
{
    gchar *path = umockdev_testbed_get_root_dir(bed_of(L));
    lua_pushstring(L, path);
    g_free(path);
    return 1;
}

/* mockdev.link(target, name): a name below its /dev for something. */
static int make_link(lua_State *L)
{
    gchar *folder = umockdev_testbed_get_root_dir(bed_of(L));
    gchar *path = g_build_filename(folder, "dev", luaL_checkstring(L, 2), NULL);
    gchar *parent = g_path_get_dirname(path);
    bool made =
        g_mkdir_with_parents(parent, 0755) == 0 && symlink(luaL_checkstring(L, 1), path) == 0;
    g_free(folder);
    g_free(path);
    g_free(parent);
    return made ? 0 : luaL_error(L, "cannot link %s", lua_tostring(L, 2));
}

/* mockdev.pty() -> descriptor of a new pseudo-terminal's master, path of its slave. umockdev makes
 * them, too, but each name once. */
static int pty(lua_State *L)
{
    char path[64];
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || grantpt(fd) < 0 || unlockpt(fd) < 0 || ptsname_r(fd, path, sizeof path) != 0)
        return luaL_error(L, "no pseudo-terminal");
    lua_pushinteger(L, fd);
    lua_pushstring(L, path);
    return 2;
}

/* mockdev.close_pty(fd) */
static int close_pty(lua_State *L)
{
    close((int)luaL_checkinteger(L, 1));
    return 0;
}

/* mockdev.close(): takes the folder away, which nothing else does. */
static int close_bed(lua_State *L)
{
    (void)L;
    if (bed)
        g_object_unref(bed);
    bed = NULL;
    return 0;
}

int luaopen_spec_mockdev(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"add", add},   {"remove", take_away},    {"tell", tell},
        {"root", root}, {"close", close_bed},     {"link", make_link},
        {"pty", pty},   {"close_pty", close_pty}, {NULL, NULL},
    };
    luaL_newlib(L, functions);
    return 1;
}
