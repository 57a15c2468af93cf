/* spec.peer: the other side of a wire, for specs. Pseudo-terminals and TCP connections as plain
 * functions that never wait, and what a spec measures of this process.
 *
 *     cc -shared -fPIC $(pkg-config --cflags lua5.4) -o build/spec/peer.so spec/support/peer.c
 *     LUA_CPATH="build/?.so;;"
 *
 * Every operation answers its result, or nil and one of "again", "lost" or the system's message.
 * Closing twice is harmless; anything else on a closed object raises.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* termios2 shows a speed as a number; <termios.h> must not be seen beside it */
#include <asm/termbits.h>

#define TYPE "spec.peer"

enum { READ_SIZE = 65536 };

/* A pty's master, a listener or a connection. */
struct peer {
    int fd;    /* -1 = closed */
    int slave; /* -1 = none: keeps a pty's line from counting as hung up while nobody has it open */
};

static struct peer *push_peer(lua_State *L)
{
    struct peer *peer = lua_newuserdatauv(L, sizeof *peer, 0);
    *peer = (struct peer){-1, -1};
    luaL_setmetatable(L, TYPE);
    return peer;
}

static struct peer *check_peer(lua_State *L)
{
    struct peer *peer = luaL_checkudata(L, 1, TYPE);
    luaL_argcheck(L, peer->fd >= 0, 1, "closed peer");
    return peer;
}

static int push_failure(lua_State *L, int sys)
{
    lua_pushnil(L);
    if (sys == EAGAIN)
        lua_pushliteral(L, "again");
    else if (sys == 0 || sys == EIO || sys == EPIPE || sys == ECONNRESET)
        lua_pushliteral(L, "lost");
    else
        lua_pushstring(L, strerror(sys));
    return 2;
}

/* ---- making ---- */

/* pty([keep]) -> peer: a raw pseudo-terminal. With keep = true a second descriptor holds the other
 * side, so that reading before anybody opened it, or after it was closed, is "again", not "lost".
 */
static int peer_pty(lua_State *L)
{
    bool keep = lua_toboolean(L, 1);
    struct peer *peer = push_peer(L);
    struct termios2 raw;
    peer->fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (peer->fd < 0 || grantpt(peer->fd) < 0 || unlockpt(peer->fd) < 0)
        return push_failure(L, errno);
    if (keep)
        peer->slave = open(ptsname(peer->fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ioctl(peer->fd, TCGETS2, &raw) < 0)
        return push_failure(L, errno);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    raw.c_oflag &= ~(tcflag_t)OPOST;
    ioctl(peer->fd, TCSETS2, &raw);
    return 1;
}

/* listen() -> peer: a TCP listener on a free port of 127.0.0.1. */
static int peer_listen(lua_State *L)
{
    struct peer *peer = push_peer(L);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (peer->fd < 0 || bind(peer->fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(peer->fd, 8) < 0)
        return push_failure(L, errno);
    return 1;
}

/* ---- operations ---- */

/* peer:accept() -> connection */
static int peer_accept(lua_State *L)
{
    struct peer *listener = check_peer(L);
    struct peer *peer = push_peer(L);
    peer->fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return peer->fd < 0 ? push_failure(L, errno) : 1;
}

/* peer:read([most]) -> bytes */
static int peer_read(lua_State *L)
{
    struct peer *peer = check_peer(L);
    lua_Integer most = luaL_optinteger(L, 2, READ_SIZE);
    luaL_argcheck(L, most > 0 && most <= READ_SIZE, 2, "out of range");
    char *bytes = lua_newuserdatauv(L, READ_SIZE, 0);
    ssize_t got = read(peer->fd, bytes, (size_t)most);
    if (got <= 0)
        return push_failure(L, got < 0 ? errno : 0);
    lua_pushlstring(L, bytes, (size_t)got);
    return 1;
}

/* peer:write(bytes) -> how many were taken */
static int peer_write(lua_State *L)
{
    struct peer *peer = check_peer(L);
    size_t n;
    const char *bytes = luaL_checklstring(L, 2, &n);
    ssize_t put = send(peer->fd, bytes, n, MSG_NOSIGNAL);
    if (put < 0 && errno == ENOTSOCK)
        put = write(peer->fd, bytes, n);
    if (put < 0)
        return push_failure(L, errno);
    lua_pushinteger(L, put);
    return 1;
}

/* peer:path() -> the name of the pty's other side */
static int peer_path(lua_State *L)
{
    lua_pushstring(L, ptsname(check_peer(L)->fd));
    return 1;
}

/* peer:port() -> the listener's TCP port */
static int peer_port(lua_State *L)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    getsockname(check_peer(L)->fd, (struct sockaddr *)&address, &size);
    lua_pushinteger(L, ntohs(address.sin_port));
    return 1;
}

static void set_flag(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

/* peer:line() -> { baud, bits, two_stop, parity, odd, rtscts, xonxoff, echo, canonical, mapped }:
 * what the other side of the pty has set. baud 0 is a hang-up, which stands for DTR low. */
static int peer_line(lua_State *L)
{
    struct peer *peer = check_peer(L);
    struct termios2 t;
    if (ioctl(peer->fd, TCGETS2, &t) < 0)
        return push_failure(L, errno);
    lua_newtable(L);
    lua_pushinteger(L, (t.c_cflag & CBAUD) == B0 ? 0 : t.c_ospeed);
    lua_setfield(L, -2, "baud");
    lua_pushinteger(L, 5 + (lua_Integer)((t.c_cflag & CSIZE) / CS6));
    lua_setfield(L, -2, "bits");
    set_flag(L, "two_stop", t.c_cflag & CSTOPB);
    set_flag(L, "parity", t.c_cflag & PARENB);
    set_flag(L, "odd", t.c_cflag & PARODD);
    set_flag(L, "rtscts", t.c_cflag & CRTSCTS);
    set_flag(L, "xonxoff", t.c_iflag & (IXON | IXOFF));
    set_flag(L, "echo", t.c_lflag & ECHO);
    set_flag(L, "canonical", t.c_lflag & ICANON);
    set_flag(L, "mapped", (t.c_iflag & (ICRNL | INLCR | IGNCR)) || (t.c_oflag & OPOST));
    return 1;
}

/* peer:reset(): closes a connection with RST instead of FIN. */
static int peer_reset(lua_State *L)
{
    struct peer *peer = check_peer(L);
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(peer->fd);
    peer->fd = -1;
    return 0;
}

static int peer_close(lua_State *L)
{
    struct peer *peer = luaL_checkudata(L, 1, TYPE);
    if (peer->fd >= 0)
        close(peer->fd);
    if (peer->slave >= 0)
        close(peer->slave);
    *peer = (struct peer){-1, -1};
    return 0;
}

/* ---- measuring ---- */

/* descriptors() -> how many this process has open */
static int peer_descriptors(lua_State *L)
{
    DIR *dir = opendir("/proc/self/fd");
    lua_Integer n = -3; /* ".", ".." and the directory itself */
    if (!dir)
        return push_failure(L, errno);
    while (readdir(dir))
        n++;
    closedir(dir);
    lua_pushinteger(L, n);
    return 1;
}

/* cpu() -> seconds of CPU time that this process has used */
static int peer_cpu(lua_State *L)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    lua_pushnumber(L, (lua_Number)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                          (lua_Number)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    return 1;
}

/* alive(pid) -> whether that process exists */
static int peer_alive(lua_State *L)
{
    lua_pushboolean(L, kill((pid_t)luaL_checkinteger(L, 1), 0) == 0);
    return 1;
}

/* kill(pid): ends that process by SIGKILL. */
static int peer_kill(lua_State *L)
{
    pid_t pid = (pid_t)luaL_checkinteger(L, 1);
    luaL_argcheck(L, pid > 1, 1, "not a process of ours");
    kill(pid, SIGKILL);
    return 0;
}

/* ---- registration ---- */

static const luaL_Reg methods[] = {
    {"accept", peer_accept}, {"close", peer_close}, {"line", peer_line},
    {"path", peer_path},     {"port", peer_port},   {"read", peer_read},
    {"reset", peer_reset},   {"write", peer_write}, {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", peer_close},
    {"__close", peer_close},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"alive", peer_alive},
    {"cpu", peer_cpu},
    {"kill", peer_kill},
    {"descriptors", peer_descriptors},
    {"listen", peer_listen},
    {"pty", peer_pty},
    {NULL, NULL},
};

int luaopen_spec_peer(lua_State *L);

int luaopen_spec_peer(lua_State *L)
{
    luaL_newmetatable(L, TYPE);
    luaL_setfuncs(L, metamethods, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, functions);
    return 1;
}
