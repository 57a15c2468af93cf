/* The floor: the same flow with nothing around it, as the least that an engine with Lua in it can
 * cost. One epoll loop, vfork and execve, a Lua coroutine for each unit; hex, frames and CRC in C.
 *     floor TOOL TERMINAL COUNT
 * prints the fingerprint of each unit. It has no limits, no log, no trace, no retry and no report:
 * whatever fails ends it. */
#include "frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

extern char **environ;

enum { ID_BYTES = 10, OUTPUT_MAX = 2 * REQUEST_2 + 64 };

struct floor {
    struct crc_table crc;
    const char *tool, *terminal;
    lua_State *L, *unit; /* unit: the coroutine of the unit on its way */
    bool ended;
    int epoll, fd, pipe;
    pid_t pid;
    char id[2 * ID_BYTES + 1];
    char output[OUTPUT_MAX + 1]; /* of the tool */
    size_t printed;
    uint8_t in[RESPONSE_1 + FRAME_EXTRA], out[FRAME_MAX];
    size_t heard, sent, to_send;
};

static const char script[] = "local call, exchange, hex, unhex = ...\n"
                             "return function()\n"
                             "  local function payload(text)\n"
                             "    return unhex(text:match('^SCP %d+\\nPAYLOAD (%x+)\\n$'))\n"
                             "  end\n"
                             "  local key = exchange(payload(call('new_device')))\n"
                             "  local config = call('get_device_configuration', hex(key))\n"
                             "  local done = exchange(payload(config))\n"
                             "  local last = call('handle_device_response', hex(done))\n"
                             "  return last:match('^FINGERPRINT (%x+)\\n$')\n"
                             "end\n";

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- hex ---- */

static size_t to_hex(char *text, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return 2 * n;
}

static int value_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool from_hex(uint8_t *bytes, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int high = value_of(text[2 * i]), low = value_of(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* ---- the loop ---- */

static void watch(const struct floor *f, int fd, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(f->epoll, operation, fd, &event) < 0)
        die("epoll_ctl");
}

static void unwatch(const struct floor *f, int fd)
{
    watch(f, fd, EPOLL_CTL_DEL, 0);
    close(fd);
}

/* ---- the tool ---- */

static void start_tool(struct floor *f, const char *command, const char *response)
{
    const char *argv[] = {f->tool, command, f->id, response, NULL};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        die("pipe2");
    pid_t pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork): it is the fastest */
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO); /* NOLINT(clang-analyzer-unix.Vfork): a plain system call */
        execve(f->tool, (char *const *)argv, environ);
        _exit(127);
    }
    if (pid < 0)
        die("vfork");
    close(ends[1]);
    f->pid = pid;
    f->pipe = ends[0];
    f->printed = 0;
    watch(f, f->pipe, EPOLL_CTL_ADD, EPOLLIN);
}

/* True when the tool has ended. */
static bool read_tool(struct floor *f)
{
    int status;
    ssize_t got = read(f->pipe, f->output + f->printed, OUTPUT_MAX - f->printed);
    if (got > 0) {
        f->printed += (size_t)got;
        return false;
    }
    unwatch(f, f->pipe);
    if (waitpid(f->pid, &status, 0) < 0 || status != 0)
        die("the tool failed");
    return true;
}

/* ---- the board ---- */

static void open_terminal(struct floor *f)
{
    struct termios settings;
    f->fd = open(f->terminal, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (f->fd < 0 || tcgetattr(f->fd, &settings) < 0)
        die(f->terminal);
    cfmakeraw(&settings);
    cfsetspeed(&settings, B115200);
    settings.c_cflag |= CLOCAL | CREAD;
    if (tcsetattr(f->fd, TCSANOW, &settings) < 0)
        die(f->terminal);
    watch(f, f->fd, EPOLL_CTL_ADD, EPOLLIN);
}

static void send_more(struct floor *f)
{
    ssize_t n = write(f->fd, f->out + f->sent, f->to_send - f->sent);
    if (n < 0 && errno != EAGAIN)
        die("write");
    f->sent += n > 0 ? (size_t)n : 0;
}

static void send_frame(struct floor *f, const char *payload, size_t n)
{
    f->to_send = frame_put(&f->crc, f->out, payload, n);
    f->sent = f->heard = 0;
    send_more(f);
    if (f->sent < f->to_send)
        watch(f, f->fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

/* The length of the board's payload, 0 while it is not whole. */
static size_t read_board(struct floor *f)
{
    ssize_t got = read(f->fd, f->in + f->heard, sizeof f->in - f->heard);
    if (got <= 0)
        return 0;
    f->heard += (size_t)got;
    ssize_t frame = frame_check(&f->crc, f->in, f->heard);
    if (frame < 0)
        die("the board's frame is damaged");
    return frame ? (size_t)frame - FRAME_EXTRA : 0;
}

/* ---- Lua ---- */

static struct floor *self(lua_State *L)
{
    return *(struct floor **)lua_getextraspace(L);
}

static int call(lua_State *L)
{
    start_tool(self(L), luaL_checkstring(L, 1), luaL_optstring(L, 2, NULL));
    return lua_yield(L, 0);
}

static int exchange(lua_State *L)
{
    size_t n;
    const char *payload = luaL_checklstring(L, 1, &n);
    luaL_argcheck(L, n <= REQUEST_2, 1, "too long");
    send_frame(self(L), payload, n);
    return lua_yield(L, 0);
}

static int hex(lua_State *L)
{
    size_t n;
    luaL_Buffer buffer;
    const char *bytes = luaL_checklstring(L, 1, &n);
    char *text = luaL_buffinitsize(L, &buffer, 2 * n);
    luaL_pushresultsize(&buffer, to_hex(text, (const uint8_t *)bytes, n));
    return 1;
}

static int unhex(lua_State *L)
{
    size_t n;
    luaL_Buffer buffer;
    const char *text = luaL_checklstring(L, 1, &n);
    char *bytes = luaL_buffinitsize(L, &buffer, n / 2);
    if (n % 2 || !from_hex((uint8_t *)bytes, text, n / 2))
        return luaL_error(L, "no hex");
    luaL_pushresultsize(&buffer, n / 2);
    return 1;
}

/* Leaves the unit's function as the only value on the main stack. */
static void open_lua(struct floor *f)
{
    f->L = luaL_newstate();
    *(struct floor **)lua_getextraspace(f->L) = f;
    luaL_requiref(f->L, LUA_GNAME, luaopen_base, 1);
    luaL_requiref(f->L, LUA_STRLIBNAME, luaopen_string, 1);
    lua_settop(f->L, 0);
    if (luaL_loadstring(f->L, script) != LUA_OK)
        die(lua_tostring(f->L, -1));
    lua_pushcfunction(f->L, call);
    lua_pushcfunction(f->L, exchange);
    lua_pushcfunction(f->L, hex);
    lua_pushcfunction(f->L, unhex);
    lua_call(f->L, 4, 1);
}

static void resume(struct floor *f, int arguments)
{
    int results = 0;
    int status = lua_resume(f->unit, f->L, arguments, &results);
    if (status == LUA_YIELD)
        return;
    if (status != LUA_OK || !lua_isstring(f->unit, -1))
        die(status == LUA_OK ? "no fingerprint" : lua_tostring(f->unit, -1));
    puts(lua_tostring(f->unit, -1));
    f->ended = true;
}

/* ---- units ---- */

static void on_ready(struct floor *f, int fd, uint32_t events)
{
    if (fd == f->pipe) {
        if (!read_tool(f))
            return;
        f->pipe = -1;
        lua_pushlstring(f->unit, f->output, f->printed);
        resume(f, 1);
        return;
    }
    if (events & EPOLLOUT) {
        send_more(f);
        if (f->sent == f->to_send)
            watch(f, f->fd, EPOLL_CTL_MOD, EPOLLIN);
    }
    size_t n = events & EPOLLIN ? read_board(f) : 0;
    if (n) {
        lua_pushlstring(f->unit, (const char *)f->in + 2, n);
        resume(f, 1);
    }
}

static void run_unit(struct floor *f)
{
    struct epoll_event events[8];
    uint8_t id[ID_BYTES];
    if (getrandom(id, sizeof id, 0) != sizeof id)
        die("getrandom");
    f->id[to_hex(f->id, id, sizeof id)] = '\0';
    f->ended = false;
    open_terminal(f);
    f->unit = lua_newthread(f->L);
    lua_pushvalue(f->L, 1);
    lua_xmove(f->L, f->unit, 1);
    resume(f, 0);
    while (!f->ended) {
        int n = epoll_wait(f->epoll, events, 8, 10000);
        if (n <= 0)
            die("nothing happens");
        for (int i = 0; i < n; i++)
            on_ready(f, events[i].data.fd, events[i].events);
    }
    unwatch(f, f->fd);
    lua_settop(f->L, 1);
}

int main(int argc, char **argv)
{
    static struct floor f;
    if (argc != 4)
        return 2;
    f.tool = argv[1];
    f.terminal = argv[2];
    f.pipe = -1;
    f.epoll = epoll_create1(EPOLL_CLOEXEC);
    crc_fill(&f.crc);
    open_lua(&f);
    for (long count = strtol(argv[3], NULL, 10); count > 0; count--)
        run_unit(&f);
    return 0;
}
