/* jig.lineedit: lines that are typed on jig's own terminal, with editing, history and completion,
 * while all else goes on. See editline.h.
 *
 * The input is opened anew by its name, as transports/stdin.c does: not waiting must be its own.
 */
#include "bindings/jig.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "bindings/editline.h"

#define EDIT "jig.lineedit"

enum { CHUNK = 1024 };

struct ledit {
    struct jig_editline *edit; /* NULL = closed */
    struct jig_watch *watch;
    struct jig_wait wait;
    int fd;
};

static struct ledit *to_ledit(lua_State *L)
{
    return luaL_checkudata(L, 1, EDIT);
}

static struct ledit *to_open(lua_State *L)
{
    struct ledit *e = to_ledit(L);
    if (!e->edit)
        luaL_error(L, "attempt to use a closed editor");
    return e;
}

static void readable(void *data, unsigned events)
{
    struct ledit *e = data;
    (void)events;
    jig_watch_want(e->watch, 0);
    jigL_wake(&e->wait);
}

static void close_edit(struct ledit *e)
{
    struct jig_editline *edit = e->edit;
    e->edit = NULL;
    if (!edit)
        return;
    jig_watch_free(e->watch);
    jig_editline_close(edit);
    close(e->fd);
    jigL_wake_with(&e->wait, JIG_ECLOSED);
}

static int open_terminal(struct ledit *e, struct jig_loop *loop, int out, struct jig_error *err)
{
    e->fd = open("/dev/stdin", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (e->fd < 0)
        return jig_fail_sys(err, errno, "cannot open the terminal");
    e->watch = jig_watch_new(loop, e->fd, readable, e, err);
    if (e->watch)
        e->edit = jig_editline_open(STDIN_FILENO, out, err);
    if (e->edit)
        return JIG_OK;
    jig_watch_free(e->watch);
    close(e->fd);
    return JIG_ESYSTEM;
}

/*
 * lineedit.open([out]) -> editor | nil, message, code ("not_found": libedit is not installed). For
 * the terminal that is the standard input; lines are shown on descriptor `out` (default 1), which
 * is that terminal, too. Does not yield.
 *     local editor <close> = assert(lineedit.open())
 */
static int lineedit_open(lua_State *L)
{
    struct jig_error err;
    int out = (int)luaL_optinteger(L, 1, STDOUT_FILENO);
    if (!isatty(STDIN_FILENO) || !isatty(out)) {
        jig_fail(&err, JIG_EUNSUPPORTED, "lines can be edited on a terminal alone");
        return jigL_fail(L, &err);
    }
    struct ledit *e = lua_newuserdatauv(L, sizeof *e, 0);
    memset(e, 0, sizeof *e);
    luaL_setmetatable(L, EDIT);
    if (open_terminal(e, jigL_engine(L)->loop, out, &err) < 0)
        return jigL_fail(L, &err);
    return 1;
}

/* ---- waiting for a line ---- */

static int push_text(lua_State *L, struct ledit *e, const char *kind)
{
    size_t n;
    const char *text = jig_editline_text(e->edit, &n);
    lua_pushstring(L, kind);
    lua_pushlstring(L, text, n);
    return 2;
}

/* Gives the editor what was typed: false when there is nothing yet. */
static bool feed(struct ledit *e)
{
    uint8_t bytes[CHUNK];
    ssize_t n = read(e->fd, bytes, sizeof bytes);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    jig_editline_feed(e->edit, bytes, n < 0 ? 0 : (size_t)n); /* a failure is an end, too */
    return true;
}

static int next_on(lua_State *L, int status, lua_KContext ctx)
{
    struct ledit *e = to_ledit(L);
    (void)ctx;
    for (;;) {
        if (status == LUA_YIELD && e->wait.outcome != JIG_OK)
            return jigL_fail_wait(L, &e->wait, "editor:next");
        status = LUA_OK;
        switch (jig_editline_event(e->edit)) {
        case JIG_EDIT_LINE:
            return push_text(L, e, "line");
        case JIG_EDIT_COMPLETE:
            return push_text(L, e, "complete");
        case JIG_EDIT_HUNGRY:
            break;
        default:
            lua_pushliteral(L, "end");
            return 1;
        }
        if (feed(e))
            continue;
        jig_watch_want(e->watch, JIG_READABLE);
        if (!jigL_block(L, &e->wait, "editor:next"))
            return jigL_yield(L, 0, next_on);
        status = LUA_YIELD;
    }
}

/*
 * editor:next(prompt) -> "line", text | "complete", what stands before the cursor | "end" | nil,
 * message, code. Waits for a line behind the prompt. After "complete" (Tab) the line is not over:
 * insert or print, and call it again. "end" is Ctrl-D, or the input's end. One task may wait.
 * Yields.
 */
static int editor_next(lua_State *L)
{
    struct ledit *e = to_open(L);
    const char *prompt = luaL_checkstring(L, 2);
    jigL_wait_begin(L, &e->wait, "next", HUGE_VAL, false);
    enum jig_edit_event event = jig_editline_event(e->edit);
    if (event == JIG_EDIT_COMPLETE)
        jig_editline_go_on(e->edit);
    else if (event != JIG_EDIT_HUNGRY) /* that is: its wait was ended by something else */
        jig_editline_begin(e->edit, prompt);
    return next_on(L, LUA_OK, 0);
}

/* ---- the rest ---- */

/*
 * editor:interrupt(prompt). What Ctrl-C means while a line is typed: it is dropped, and another
 * begins below, behind this prompt. Harmless when none is. Does not yield.
 */
static int editor_interrupt(lua_State *L)
{
    struct ledit *e = to_open(L);
    jig_editline_interrupt(e->edit, luaL_checkstring(L, 2));
    return 0;
}

/*
 * editor:insert(text). Puts text in at the cursor of the line that is typed. Does not yield.
 */
static int editor_insert(lua_State *L)
{
    struct ledit *e = to_open(L);
    jig_editline_insert(e->edit, luaL_checkstring(L, 2));
    return 0;
}

/*
 * editor:print(text). Shows whole lines, each with its end, above the line that is typed. What
 * controls terminals in them does so: clean them before. Does not yield.
 */
static int editor_print(lua_State *L)
{
    struct ledit *e = to_open(L);
    size_t n;
    const char *text = luaL_checklstring(L, 2, &n);
    jig_editline_print(e->edit, text, n);
    return 0;
}

/*
 * editor:remember(line). From now on Up goes back to it: to the latest 1000. Does not yield.
 */
static int editor_remember(lua_State *L)
{
    struct ledit *e = to_open(L);
    jig_editline_remember(e->edit, luaL_checkstring(L, 2));
    return 0;
}

/*
 * editor:close(). The terminal is as it was before. Twice is harmless. Does not yield.
 */
static int editor_close(lua_State *L)
{
    close_edit(to_ledit(L));
    return 0;
}

static int editor_gc(lua_State *L)
{
    struct ledit *e = to_ledit(L);
    close_edit(e);
    jigL_wait_drop(&e->wait);
    return 0;
}

int luaopen_jig_lineedit(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"next", editor_next},
        {"interrupt", editor_interrupt},
        {"insert", editor_insert},
        {"print", editor_print},
        {"remember", editor_remember},
        {"close", editor_close},
        {NULL, NULL},
    };
    static const luaL_Reg functions[] = {{"open", lineedit_open}, {NULL, NULL}};
    luaL_newmetatable(L, EDIT);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, editor_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, editor_gc);
    lua_setfield(L, -2, "__close");
    luaL_newlib(L, functions);
    return 1;
}
