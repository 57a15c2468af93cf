/* Runs a program and kills it before one of its calls that change something:
 *
 *     tracer [--kill N | --behind N] [--out FILE] PROGRAM [ARGUMENT…]
 *
 * Writes one line to FILE (default stderr) for each point, that is, for each call of calls.h that
 * the program or one of its threads is about to make, in one order for all of them:
 *
 *     17 main pwrite64 /tmp/journal.db-wal
 *
 * number, "main" or "other" thread, call, and the path or the kind of what it works on. With --kill
 * N the process is killed by SIGKILL at point N, before that call, and only that point is written;
 * with --behind N as soon as that call has returned, so that a program that it started runs by
 * then. The last line is "end exit 0" or "end signal 9"; the exit status is the program's, 128 + N
 * for a signal, 125 when the tracer itself failed.
 *
 * The program is not changed in any way. What it starts (clone without CLONE_THREAD, vfork) is not
 * traced and lives on when the program is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "spec/kill/calls.h"

enum { FAILED = 125, PAGE = 4096 };

struct tracer {
    pid_t pid;
    FILE *out;
    long kill_at; /* 0 = never */
    bool behind;  /* when that call has returned, not before it */
    pid_t dying;  /* the thread that is in that call; 0 = none */
    long points;
    bool running; /* the program has taken the place of what started it */
};

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "tracer: %s: %s\n", what, strerror(errno));
    exit(FAILED);
}

/* As the kernel has it: the C library wants pointers where most requests take numbers. */
static long trace(long request, pid_t tid, unsigned long address, long data)
{
    return syscall(SYS_ptrace, request, (long)tid, address, data);
}

/* ---- what a call works on ---- */

static ssize_t read_memory(pid_t tid, uint64_t address, void *data, size_t n)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/mem", (int)tid);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : pread(fd, data, n, (off_t)address);
    if (fd >= 0)
        close(fd);
    return got;
}

static void read_path(pid_t tid, uint64_t address, char *path, size_t size)
{
    size_t used = 0;
    while (used + 1 < size) {
        size_t n = PAGE - (size_t)(address + used) % PAGE; /* the next page may not be there */
        n = n < size - 1 - used ? n : size - 1 - used;
        ssize_t got = read_memory(tid, address + used, path + used, n);
        if (got <= 0)
            break;
        used += (size_t)got;
        if (memchr(path + used - got, '\0', (size_t)got))
            return;
    }
    path[used] = '\0';
}

static void read_link(pid_t tid, int fd, char *path, size_t size)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/fd/%d", (int)tid, fd);
    ssize_t n = readlink(name, path, size - 1);
    path[n < 0 ? 0 : n] = '\0';
    char *kind = strpbrk(path, ":"); /* "pipe:[123]": the number says nothing */
    if (path[0] != '/' && kind && strncmp(path, "anon_inode", 10) != 0)
        *kind = '\0';
}

static bool makes_thread(pid_t tid, const struct call *call, const uint64_t argument[6])
{
    uint64_t flags = strcmp(call->name, "clone") == 0 ? argument[0] : 0;
    if (strcmp(call->name, "clone3") == 0 &&
        read_memory(tid, argument[0], &flags, sizeof flags) != sizeof flags)
        return false;
    return (flags & CLONE_THREAD) != 0;
}

static void describe(pid_t tid, const struct call *call, const uint64_t argument[6], char *text,
                     size_t size)
{
    uint64_t value = argument[call->argument];
    snprintf(text, size, "-");
    if (call->target == CALL_CHILD)
        snprintf(text, size, "%s", makes_thread(tid, call, argument) ? "thread" : "process");
    if (call->target == CALL_PATH)
        read_path(tid, value, text, size);
    else if (call->target == CALL_DESCRIPTOR)
        read_link(tid, (int)value, text, size);
}

/* ---- points ---- */

static void write_point(struct tracer *t, pid_t tid, const struct call *call,
                        const uint64_t argument[6])
{
    char text[PATH_MAX];
    describe(tid, call, argument, text, sizeof text);
    fprintf(t->out, "%ld %s %s %s\n", t->points, tid == t->pid ? "main" : "other", call->name,
            text);
}

static void kill_process(const struct tracer *t)
{
    if (kill(t->pid, SIGKILL) < 0)
        give_up("kill");
}

static void enter_call(struct tracer *t, pid_t tid, const struct __ptrace_syscall_info *info)
{
    char spare[32];
    uint64_t argument[6];
    for (int i = 0; i < 6; i++)
        argument[i] = info->entry.args[i];
    struct call call = call_of(info->entry.nr, argument, spare);
    if (!call.changes)
        return;
    t->points++;
    if (t->kill_at && t->points != t->kill_at)
        return;
    write_point(t, tid, &call, argument);
    if (t->kill_at && t->behind)
        t->dying = tid;
    else if (t->kill_at)
        kill_process(t);
}

static void at_call(struct tracer *t, pid_t tid)
{
    struct __ptrace_syscall_info info;
    if (trace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, (long)&info) <= 0)
        return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
        enter_call(t, tid, &info);
    else if (info.op == PTRACE_SYSCALL_INFO_EXIT && tid == t->dying)
        kill_process(t);
}

/* ---- following a process and its threads ---- */

/* A thread has stopped: looks at why and lets it go on. ESRCH: it was killed meanwhile. */
static void stopped(struct tracer *t, pid_t tid, int status)
{
    int event = status >> 16, signum = WSTOPSIG(status), deliver = 0;
    int request = PTRACE_SYSCALL;
    if (event == PTRACE_EVENT_EXEC)
        t->running = true;
    else if (event == PTRACE_EVENT_STOP)
        request = signum == SIGTRAP ? PTRACE_SYSCALL : PTRACE_LISTEN;
    else if (event == 0 && signum == (SIGTRAP | 0x80) && t->running)
        at_call(t, tid);
    else if (event == 0 && signum != (SIGTRAP | 0x80))
        deliver = signum;
    if (trace(request, tid, 0, deliver) < 0 && errno != ESRCH)
        give_up("ptrace");
}

/* Until the process has ended with all its threads; gives how. */
static int follow(struct tracer *t)
{
    for (;;) {
        int status;
        pid_t tid = waitpid(-1, &status, __WALL);
        if (tid < 0 && errno == EINTR)
            continue;
        if (tid < 0)
            give_up("waitpid");
        if (WIFSTOPPED(status))
            stopped(t, tid, status);
        else if (tid == t->pid)
            return status;
    }
}

/* Starts the program, which waits until it is traced. */
static pid_t start(char **argv)
{
    int hold[2];
    char byte;
    if (pipe(hold) < 0)
        give_up("pipe");
    pid_t pid = fork();
    if (pid < 0)
        give_up("fork");
    if (pid == 0) {
        close(hold[1]);
        if (read(hold[0], &byte, 1) < 0)
            _exit(FAILED);
        close(hold[0]);
        execvp(argv[0], argv);
        give_up(argv[0]);
    }
    long options =
        PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    close(hold[0]);
    if (trace(PTRACE_SEIZE, pid, 0, options) < 0)
        give_up("ptrace");
    close(hold[1]);
    return pid;
}

static int finish(struct tracer *t, int status)
{
    if (WIFEXITED(status))
        fprintf(t->out, "end exit %d\n", WEXITSTATUS(status));
    else
        fprintf(t->out, "end signal %d\n", WTERMSIG(status));
    if (fflush(t->out) != 0)
        give_up("the list of points");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    struct tracer t = {.out = stderr};
    const char *path = NULL;
    int i = 1;
    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        t.behind = t.behind || strcmp(argv[i], "--behind") == 0;
        if (strcmp(argv[i], "--kill") == 0 || strcmp(argv[i], "--behind") == 0)
            t.kill_at = strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--out") == 0)
            path = argv[i + 1];
        else
            break;
    }
    if (i >= argc || strncmp(argv[i], "--", 2) == 0) {
        fprintf(stderr,
                "usage: tracer [--kill N | --behind N] [--out FILE] PROGRAM [ARGUMENT...]\n");
        return FAILED;
    }
    if (path && !(t.out = fopen(path, "we")))
        give_up(path);
    t.pid = start(argv + i);
    return finish(&t, follow(&t));
}
