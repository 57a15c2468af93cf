/* spec.mockdev: devices that umockdev makes up, plugged in and unplugged. For a process that runs
 * under umockdev-wrapper, which then sees them in /sys and /dev and is told of them as by udevd. */
#include <lauxlib.h>
#include <lua.h>
#include <umockdev.h>

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
        {"add", add},   {"remove", take_away}, {"tell", tell},
        {"root", root}, {"close", close_bed},  {NULL, NULL},
    };
    luaL_newlib(L, functions);
    return 1;
}
