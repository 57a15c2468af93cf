/* The program: makes the engine and the main state and hands over to scripts/jig/main.lua. The only
 * file that sees everything. */
#include "bindings/state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bindings/developer.h"
#include "core/child.h"
#include "core/lend.h"
#include "core/session.h"

enum {
    EXIT_USAGE = 2,
    EXIT_INTERRUPTED = 5,
    EXIT_UNREPORTED = 6,
    LAST_SECONDS = 180, /* for what goes on in the background when the scripts have ended */
};

/* Descriptors 0 to 2 must be open: files opened later would take their numbers. */
static void keep_stdio(void)
{
    int fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd < 3)
        fd = dup(fd);
    if (fd >= 3)
        close(fd);
}

/* A slot takes a handful of descriptors; 1024 is the usual soft limit. */
static void raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void to_stderr(void *data, enum jig_log_level level, const char *line)
{
    (void)data;
    (void)level;
    fprintf(stderr, "%s\n", line);
}

/* What a signal meets first: it is the loop's to tell of, which has no turn while a script
 * computes. Where nobody claimed signals another one ends the program then, as if nobody caught it.
 */
static struct {
    const struct jig_engine *engine;
    void (*loop_handler)(int signum);
    volatile sig_atomic_t unheard;
} first;

static void signal_met(int signum)
{
    if (first.unheard && !first.engine->signals_claimed) {
        signal(signum, SIG_DFL);
        raise(signum); /* when this returns */
        return;
    }
    first.unheard = 1;
    first.loop_handler(signum);
}

/* Takes the place of the loop's handler, which is one for all signals. */
static void meet(const struct jig_engine *engine, int signum)
{
    struct sigaction action;
    if (sigaction(signum, NULL, &action) < 0)
        return;
    first.engine = engine;
    first.loop_handler = action.sa_handler;
    action.sa_handler = signal_met;
    sigaction(signum, &action, NULL);
}

/* Nobody claimed the signal: the scripts end, sessions are reported. A second one ends at once. */
static void signal_arrived(void *data, int signum)
{
    struct jig_engine *engine = data;
    first.unheard = 0;
    engine->signals++;
    engine->signum = signum;
    jigL_wake(engine->signal_wait);
    if (!engine->signals_claimed) {
        signal(signum, SIG_DFL);
        engine->leaving = true;
        engine->status = EXIT_INTERRUPTED;
    }
}

/* What asks the program to end. SIGHUP is a terminal that goes, SIGQUIT its Ctrl-\. */
static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

enum { ENDING = sizeof ending / sizeof *ending };

/* Started by nohup, the program outlives its terminal. */
static bool ignored(int signum)
{
    struct sigaction action;
    return signum == SIGHUP && sigaction(signum, NULL, &action) == 0 &&
           action.sa_handler == SIG_IGN;
}

static int catch_signals(struct jig_engine *engine, struct jig_error *err)
{
    int rc = JIG_OK;
    for (size_t i = 0; rc == JIG_OK && i < ENDING; i++) {
        if (ignored(ending[i]))
            continue;
        rc = jig_loop_signal(engine->loop, ending[i], signal_arrived, engine, err);
        if (rc == JIG_OK)
            meet(engine, ending[i]);
    }
    return rc;
}

static void set_arg(lua_State *L, int argc, char **argv)
{
    lua_createtable(L, argc, 1);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i);
    }
    lua_setglobal(L, "arg");
}

static int add_traceback(lua_State *L)
{
    luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
    return 1;
}

/* The scripts' exit status: the first result of main.lua, and whether it is settled. */
static int run_scripts(struct jig_engine *engine, lua_State *L)
{
    lua_pushcfunction(L, add_traceback);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "jig.main");
    int rc = lua_pcall(L, 1, 1, 1);
    if (rc == LUA_OK)
        rc = lua_pcall(L, 0, 2, 1);
    if (engine->leaving)
        return engine->status;
    if (rc != LUA_OK) {
        fprintf(stderr, "jig: %s\n", lua_tostring(L, -1));
        return EXIT_FAILURE;
    }
    engine->settled = lua_toboolean(L, -1);
    return (int)luaL_optinteger(L, -2, EXIT_SUCCESS);
}

/* Sessions that owe a report send it; children that were told to end are reaped. */
static void finish_background(struct jig_engine *engine)
{
    int64_t end = jig_loop_now(engine->loop) + (int64_t)LAST_SECONDS * JIG_SECOND;
    while (jig_session_busy(engine->loop) || jig_child_count(engine->loop)) {
        if (!jig_loop_step(engine->loop, end) || jig_loop_now(engine->loop) >= end)
            break;
    }
}

/* A clean end is one that leaves no session behind: only then is the journal's head signed. */
static void close_journal(struct jig_engine *engine)
{
    struct jig_error err;
    bool clean = !jig_session_unreported(engine->loop) && !jig_session_busy(engine->loop);
    if (jig_journal_close(engine->journal, clean, &err) < 0)
        fprintf(stderr, "jig: the journal: %s\n", err.text);
    engine->journal = NULL;
}

/* Whether somebody stopped reading: `jig journal list | head -1` is no failure. */
static bool reader_is_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

/* What was printed may be lost, as where a disk is full: that is told, and is no success; but the
 * status of `jig run` says how the units ended. */
static int check_output(int status, const char *verb)
{
    errno = 0;
    int rc = fflush(stdout), sys = errno;
    if ((rc == 0 && !ferror(stdout)) || reader_is_gone())
        return status;
    fprintf(stderr, "jig: cannot write stdout%s%s\n", sys ? ": " : "", sys ? strerror(sys) : "");
    bool is_kept = status != EXIT_SUCCESS || (verb && strcmp(verb, "run") == 0);
    return is_kept ? status : EXIT_FAILURE;
}

/* The exit status is settled: a signal that comes now must not take its place when the loop, which
 * caught signals so far, is gone. */
static void hold_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < ENDING; i++)
        sigaddset(&set, ending[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

int main(int argc, char **argv)
{
    struct jig_engine engine;
    struct jig_memory memory = {0};
    struct jig_error err;
    keep_stdio();
    if (jigL_developer_refused(argc, argv)) /* before any script: others would not ask */
        return EXIT_USAGE;
    raise_limit();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* ignored by who started us, it would hide how children end */
    if (jigL_engine_open(&engine, &err) < 0 || catch_signals(&engine, &err) < 0) {
        fprintf(stderr, "jig: %s\n", err.text);
        return EXIT_FAILURE;
    }
    if (!jig_memory_be_plain()) /* a checker does not know children that share descriptors */
        jig_lend_prepare(engine.loop);
    engine.log.sink = to_stderr;
    lua_State *L = jigL_main_state(&engine, &memory);
    if (!L) {
        fprintf(stderr, "jig: no memory\n");
        return EXIT_FAILURE;
    }
    set_arg(L, argc, argv);
    int status = check_output(run_scripts(&engine, L), argc > 1 ? argv[1] : NULL);
    engine.leaving = true; /* what finalizers begin does not wait */
    jigL_close_state(L);
    finish_background(&engine);
    if (!engine.settled && (jig_session_unreported(engine.loop) || jig_session_busy(engine.loop)))
        status = EXIT_UNREPORTED;
    hold_signals();
    close_journal(&engine);
    if (jig_loop_looks_up(engine.loop)) { /* for nobody any more */
        fflush(NULL);
        _exit(status);
    }
    jigL_engine_close(&engine);
    return status;
}
