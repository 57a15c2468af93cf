/* The floor: the same flow with nothing around it, as the least that an engine with Lua in it can
 * cost. One epoll loop, vfork and execve, one Lua state with a coroutine for each unit; hex, frames
 * and CRC in C.
 *     floor TOOL TERMINAL COUNT
 * runs units one after the other and prints the fingerprint of each.
 *     floor TOOL LINK COUNT SPREAD
 * runs them at once, at the terminals LINK.1, LINK.2, ...; their starts are spread over SPREAD
 * milliseconds. Of each it prints its number, the fingerprint and when its script went on after
 * either exchange (nanoseconds of CLOCK_MONOTONIC), then "total" and the nanoseconds from the first
 * start to the last end. It has no limits, no log, no trace, no retry and no report: whatever fails
 * ends it. */
#include "frame.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

extern char **environ;

enum { ID_BYTES = 10, OUTPUT_MAX = 2 * REQUEST_2 + 64 };

struct unit;

/* What epoll tells of: either descriptor of a unit. */
struct source {
    struct unit *unit;
    int fd;
};

struct floor {
    struct crc_table crc;
    const char *tool;
    lua_State *L; /* the unit's function is the only value on its stack */
    int epoll;
    size_t running;
};

struct unit {
    struct floor *floor;
    lua_State *co;
    int ref; /* keeps it alive */
    struct source port, pipe;
    pid_t pid;
    char terminal[256];
    char id[2 * ID_BYTES + 1];
    char output[OUTPUT_MAX + 1]; /* of the tool */
    char fingerprint[64];
    size_t printed;
    uint8_t in[RESPONSE_1 + FRAME_EXTRA], out[FRAME_MAX];
    size_t heard, sent, to_send;
    int64_t resumed[2]; /* after each exchange */
    int exchanges;
};

static const int64_t second_ns = 1000000000, millisecond_ns = 1000000;

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

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * second_ns + t.tv_nsec;
}

static void watch(struct source *source, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    if (epoll_ctl(source->unit->floor->epoll, operation, source->fd, &event) < 0)
        die("epoll_ctl");
}

/* Before the close: a child that is not its program yet holds the file, too. */
static void unwatch(struct source *source)
{
    watch(source, EPOLL_CTL_DEL, 0);
    close(source->fd);
}

/* ---- the tool ---- */

static void start_tool(struct unit *u, const char *command, const char *response)
{
    const char *argv[] = {u->floor->tool, command, u->id, response, NULL};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        die("pipe2");
    pid_t pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork): it is the fastest */
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO); /* NOLINT(clang-analyzer-unix.Vfork): a plain system call */
        execve(argv[0], (char *const *)argv, environ);
        _exit(127);
    }
    if (pid < 0)
        die("vfork");
    close(ends[1]);
    u->pid = pid;
    u->pipe.fd = ends[0];
    u->printed = 0;
    watch(&u->pipe, EPOLL_CTL_ADD, EPOLLIN);
}

/* True when the tool has ended. */
static bool read_tool(struct unit *u)
{
    int status;
    ssize_t got = read(u->pipe.fd, u->output + u->printed, OUTPUT_MAX - u->printed);
    if (got > 0) {
        u->printed += (size_t)got;
        return false;
    }
    unwatch(&u->pipe);
    if (waitpid(u->pid, &status, 0) < 0 || status != 0)
        die("the tool failed");
    return true;
}

/* ---- the board ---- */

static void open_terminal(struct unit *u)
{
    struct termios settings;
    u->port.fd = open(u->terminal, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (u->port.fd < 0 || tcgetattr(u->port.fd, &settings) < 0)
        die(u->terminal);
    cfmakeraw(&settings);
    cfsetspeed(&settings, B115200);
    settings.c_cflag |= CLOCAL | CREAD;
    if (tcsetattr(u->port.fd, TCSANOW, &settings) < 0)
        die(u->terminal);
    watch(&u->port, EPOLL_CTL_ADD, EPOLLIN);
}

static void send_more(struct unit *u)
{
    ssize_t n = write(u->port.fd, u->out + u->sent, u->to_send - u->sent);
    if (n < 0 && errno != EAGAIN)
        die("write");
    u->sent += n > 0 ? (size_t)n : 0;
}

static void send_frame(struct unit *u, const char *payload, size_t n)
{
    u->to_send = frame_put(&u->floor->crc, u->out, payload, n);
    u->sent = u->heard = 0;
    send_more(u);
    if (u->sent < u->to_send)
        watch(&u->port, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

/* The length of the board's payload, 0 while it is not whole. */
static size_t read_board(struct unit *u)
{
    ssize_t got = read(u->port.fd, u->in + u->heard, sizeof u->in - u->heard);
    if (got <= 0)
        return 0;
    u->heard += (size_t)got;
    ssize_t frame = frame_check(&u->floor->crc, u->in, u->heard);
    if (frame < 0)
        die("the board's frame is damaged");
    return frame ? (size_t)frame - FRAME_EXTRA : 0;
}

/* ---- Lua ---- */

static struct unit *self(lua_State *L)
{
    return *(struct unit **)lua_getextraspace(L);
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

/* ---- units ---- */

static void end_unit(struct unit *u)
{
    const char *fingerprint = lua_tostring(u->co, -1);
    if (!fingerprint)
        die("no fingerprint");
    snprintf(u->fingerprint, sizeof u->fingerprint, "%s", fingerprint);
    luaL_unref(u->floor->L, LUA_REGISTRYINDEX, u->ref);
    unwatch(&u->port);
    u->floor->running--;
}

static void resume(struct unit *u, int arguments)
{
    int results = 0;
    int status = lua_resume(u->co, u->floor->L, arguments, &results);
    if (status == LUA_OK)
        end_unit(u);
    else if (status != LUA_YIELD)
        die(lua_tostring(u->co, -1));
}

static void tool_ready(struct unit *u)
{
    if (!read_tool(u))
        return;
    lua_pushlstring(u->co, u->output, u->printed);
    resume(u, 1);
}

static void port_ready(struct unit *u, uint32_t events)
{
    if (events & EPOLLOUT) {
        send_more(u);
        if (u->sent == u->to_send)
            watch(&u->port, EPOLL_CTL_MOD, EPOLLIN);
    }
    size_t n = events & EPOLLIN ? read_board(u) : 0;
    if (n) {
        u->resumed[u->exchanges++ & 1] = now();
        lua_pushlstring(u->co, (const char *)u->in + 2, n);
        resume(u, 1);
    }
}

static void start_unit(struct floor *f, struct unit *u)
{
    uint8_t id[ID_BYTES];
    if (getrandom(id, sizeof id, 0) != sizeof id)
        die("getrandom");
    u->floor = f;
    u->port.unit = u->pipe.unit = u;
    u->exchanges = 0;
    u->id[to_hex(u->id, id, sizeof id)] = '\0';
    open_terminal(u);
    u->co = lua_newthread(f->L);
    u->ref = luaL_ref(f->L, LUA_REGISTRYINDEX);
    *(struct unit **)lua_getextraspace(u->co) = u;
    lua_pushvalue(f->L, 1);
    lua_xmove(f->L, u->co, 1);
    f->running++;
    resume(u, 0);
}

/* One wait, `timeout` milliseconds at most. */
static void step(const struct floor *f, int timeout)
{
    struct epoll_event events[64];
    int n = epoll_wait(f->epoll, events, 64, timeout);
    if (n < 0)
        die("epoll_wait");
    for (int i = 0; i < n; i++) {
        struct source *source = events[i].data.ptr;
        if (source == &source->unit->pipe)
            tool_ready(source->unit);
        else
            port_ready(source->unit, events[i].events);
    }
}

static void run_row(struct floor *f, const char *terminal, long count)
{
    static struct unit u;
    snprintf(u.terminal, sizeof u.terminal, "%s", terminal);
    for (; count > 0; count--) {
        start_unit(f, &u);
        while (f->running)
            step(f, -1);
        puts(u.fingerprint);
    }
}

struct gang {
    struct floor *floor;
    struct unit *units;
    long count, started;
    int64_t begun, spread;
};

/* Starts those whose turn has come: unit i at i * spread / count. The milliseconds until the next
 * one's turn, -1 when all have started. */
static int start_due(struct gang *g)
{
    while (g->started < g->count) {
        int64_t left = g->begun + g->started * g->spread / g->count - now();
        if (left > 0)
            return (int)(left / millisecond_ns) + 1;
        start_unit(g->floor, &g->units[g->started++]);
    }
    return -1;
}

static void print_gang(const struct gang *g)
{
    int64_t total = now() - g->begun;
    for (long i = 0; i < g->count; i++)
        printf("%ld %s %" PRId64 " %" PRId64 "\n", i + 1, g->units[i].fingerprint,
               g->units[i].resumed[0], g->units[i].resumed[1]);
    printf("total %" PRId64 "\n", total);
}

static void run_gang(struct floor *f, const char *link, long count, int64_t spread)
{
    struct gang g = {f, calloc((size_t)count, sizeof *g.units), count, 0, now(), spread};
    if (!g.units)
        die("calloc");
    for (long i = 0; i < count; i++)
        snprintf(g.units[i].terminal, sizeof g.units[i].terminal, "%s.%ld", link, i + 1);
    do {
        int timeout = start_due(&g);
        step(f, timeout);
    } while (g.started < count || f->running);
    print_gang(&g);
    free(g.units);
}

int main(int argc, char **argv)
{
    static struct floor f;
    if (argc != 4 && argc != 5)
        return 2;
    f.tool = argv[1];
    f.epoll = epoll_create1(EPOLL_CLOEXEC);
    crc_fill(&f.crc);
    open_lua(&f);
    long count = strtol(argv[3], NULL, 10);
    if (argc == 4)
        run_row(&f, argv[2], count);
    else
        run_gang(&f, argv[2], count, strtol(argv[4], NULL, 10) * millisecond_ns);
    return 0;
}
