/* See calls.h. */
#include "spec/kill/calls.h"

#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* TCGETS2; <termios.h> must not be seen beside it */
#include <asm/termbits.h>

enum kind {
    NO,        /* never counts */
    YES,       /* always counts */
    IF_OPENED, /* for writing, or made; flags are argument 1 or 2 */
    IF_LOCKED, /* fcntl: a lock, or anything that is not known to be harmless */
    IF_SET,    /* ioctl: all but those that are known to read */
    IF_SHARED, /* mmap: stores reach a file */
};

struct row {
    uint64_t number;
    const char *name;
    enum kind kind;
    enum call_target target;
    int argument;
};

#define POINT(name, kind, target, argument)                                                        \
    {                                                                                              \
        SYS_##name, #name, kind, CALL_##target, argument                                           \
    }
#define HARMLESS(name)                                                                             \
    {                                                                                              \
        SYS_##name, #name, NO, CALL_NOTHING, 0                                                     \
    }

static const struct row rows[] = {
    /* bytes reach a file, a terminal, a pipe, a socket, another thread's eventfd */
    POINT(write, YES, DESCRIPTOR, 0),
    POINT(writev, YES, DESCRIPTOR, 0),
    POINT(pwrite64, YES, DESCRIPTOR, 0),
    POINT(pwritev, YES, DESCRIPTOR, 0),
    POINT(pwritev2, YES, DESCRIPTOR, 0),
    POINT(sendfile, YES, DESCRIPTOR, 0),
    POINT(copy_file_range, YES, DESCRIPTOR, 2),
    POINT(sendto, YES, DESCRIPTOR, 0),
    POINT(sendmsg, YES, DESCRIPTOR, 0),
    POINT(sendmmsg, YES, DESCRIPTOR, 0),
    POINT(mmap, IF_SHARED, DESCRIPTOR, 4),
    /* what survives a power cut */
    POINT(fsync, YES, DESCRIPTOR, 0),
    POINT(fdatasync, YES, DESCRIPTOR, 0),
    POINT(sync_file_range, YES, DESCRIPTOR, 0),
    POINT(msync, YES, NOTHING, 0),
    /* sizes, names, modes and times of files */
    POINT(ftruncate, YES, DESCRIPTOR, 0),
    POINT(truncate, YES, PATH, 0),
    POINT(fallocate, YES, DESCRIPTOR, 0),
    POINT(openat, IF_OPENED, PATH, 1),
    POINT(openat2, YES, PATH, 1),
    POINT(renameat2, YES, PATH, 1),
    POINT(unlinkat, YES, PATH, 1),
    POINT(mkdirat, YES, PATH, 1),
    POINT(linkat, YES, PATH, 1),
    POINT(symlinkat, YES, PATH, 2),
    POINT(mknodat, YES, PATH, 1),
    POINT(fchmod, YES, DESCRIPTOR, 0),
    POINT(fchmodat, YES, PATH, 1),
    POINT(fchown, YES, DESCRIPTOR, 0),
    POINT(fchownat, YES, PATH, 1),
    POINT(utimensat, YES, PATH, 1),
    POINT(fsetxattr, YES, DESCRIPTOR, 0),
#ifdef SYS_open /* the forms that newer processors never had */
    POINT(open, IF_OPENED, PATH, 0),
    POINT(creat, YES, PATH, 0),
    POINT(rename, YES, PATH, 0),
    POINT(renameat, YES, PATH, 1),
    POINT(unlink, YES, PATH, 0),
    POINT(mkdir, YES, PATH, 0),
    POINT(rmdir, YES, PATH, 0),
    POINT(link, YES, PATH, 0),
    POINT(symlink, YES, PATH, 1),
    POINT(chmod, YES, PATH, 0),
    POINT(chown, YES, PATH, 0),
    POINT(lchown, YES, PATH, 0),
    POINT(utimes, YES, PATH, 0),
    POINT(fork, YES, CHILD, 0),
    POINT(vfork, YES, CHILD, 0),
#endif
    /* locks and terminals: others wait for the one and read the other */
    POINT(flock, YES, DESCRIPTOR, 0),
    POINT(fcntl, IF_LOCKED, DESCRIPTOR, 0),
    POINT(ioctl, IF_SET, DESCRIPTOR, 0),
    /* connections: the other end sees them */
    POINT(connect, YES, DESCRIPTOR, 0),
    POINT(bind, YES, DESCRIPTOR, 0),
    POINT(listen, YES, DESCRIPTOR, 0),
    POINT(shutdown, YES, DESCRIPTOR, 0),
    /* processes and threads: they are made, told and, at the end, gone */
    POINT(clone, YES, CHILD, 0),
    POINT(clone3, YES, CHILD, 0),
    POINT(execve, YES, PATH, 0),
    POINT(kill, YES, NOTHING, 0),
    POINT(tgkill, YES, NOTHING, 0),
    POINT(pidfd_send_signal, YES, DESCRIPTOR, 0),
    POINT(exit_group, YES, NOTHING, 0),
    /* reads: nobody can tell */
    HARMLESS(timer_create),
    HARMLESS(timer_settime),
    HARMLESS(timer_delete),
    HARMLESS(read),
    HARMLESS(readv),
    HARMLESS(pread64),
    HARMLESS(preadv),
    HARMLESS(recvfrom),
    HARMLESS(recvmsg),
    HARMLESS(lseek),
    HARMLESS(getdents64),
    HARMLESS(newfstatat),
    HARMLESS(fstat),
    HARMLESS(statx),
    HARMLESS(statfs),
    HARMLESS(fstatfs),
    HARMLESS(faccessat),
    HARMLESS(faccessat2),
    HARMLESS(readlinkat),
    HARMLESS(getcwd),
    HARMLESS(fadvise64),
    HARMLESS(uname),
    HARMLESS(sysinfo),
    HARMLESS(getrandom),
    HARMLESS(getpid),
    HARMLESS(getppid),
    HARMLESS(gettid),
    HARMLESS(getuid),
    HARMLESS(geteuid),
    HARMLESS(getgid),
    HARMLESS(getegid),
    HARMLESS(getrusage),
    HARMLESS(getsockname),
    HARMLESS(getpeername),
    HARMLESS(getsockopt),
    /* the caller's own descriptors: new ones, and what death closes anyhow */
    HARMLESS(close),
    HARMLESS(close_range),
    HARMLESS(dup),
    HARMLESS(dup3),
    HARMLESS(pipe2),
    HARMLESS(socket),
    HARMLESS(socketpair),
    HARMLESS(accept4),
    HARMLESS(setsockopt),
    HARMLESS(eventfd2),
    HARMLESS(timerfd_create),
    HARMLESS(timerfd_settime),
    HARMLESS(memfd_create),
    HARMLESS(pidfd_open),
    HARMLESS(epoll_create1),
    HARMLESS(epoll_ctl),
    /* waits, and the clock */
    HARMLESS(epoll_pwait),
    HARMLESS(ppoll),
    HARMLESS(pselect6),
    HARMLESS(futex),
    HARMLESS(wait4),
    HARMLESS(waitid),
    HARMLESS(nanosleep),
    HARMLESS(clock_nanosleep),
    HARMLESS(clock_gettime),
    HARMLESS(clock_getres),
    HARMLESS(gettimeofday),
    HARMLESS(restart_syscall),
    HARMLESS(sched_yield),
    /* the caller's own memory, threads, signals, limits */
    HARMLESS(brk),
    HARMLESS(munmap),
    HARMLESS(mremap),
    HARMLESS(mprotect),
    HARMLESS(madvise),
    HARMLESS(mlock),
    HARMLESS(rt_sigaction),
    HARMLESS(rt_sigprocmask),
    HARMLESS(rt_sigreturn),
    HARMLESS(sigaltstack),
    HARMLESS(set_tid_address),
    HARMLESS(set_robust_list),
    HARMLESS(rseq),
    HARMLESS(membarrier),
    HARMLESS(prctl),
    HARMLESS(prlimit64),
    HARMLESS(sched_getaffinity),
    HARMLESS(chdir),
    HARMLESS(umask),
    HARMLESS(exit),
#ifdef SYS_open
    HARMLESS(arch_prctl),
    HARMLESS(stat),
    HARMLESS(lstat),
    HARMLESS(access),
    HARMLESS(readlink),
    HARMLESS(pipe),
    HARMLESS(dup2),
    HARMLESS(poll),
    HARMLESS(select),
    HARMLESS(epoll_wait),
    HARMLESS(time),
#endif
};

static bool is_one_of(uint64_t value, const unsigned long *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned)list[i] == (unsigned)value)
            return true;
    return false;
}

static bool only_of_descriptor(uint64_t command)
{
    static const unsigned long harmless[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD,
                                             F_GETFL, F_SETFL,         F_GETLK, F_OFD_GETLK};
    return is_one_of(command, harmless, sizeof harmless / sizeof *harmless);
}

static bool only_reads(uint64_t request)
{
    static const unsigned long harmless[] = {TCGETS,  TCGETS2, TIOCMGET, TIOCOUTQ,   FIONREAD,
                                             FIONBIO, FIOCLEX, FIONCLEX, TIOCGWINSZ, TIOCGSERIAL};
    return is_one_of(request, harmless, sizeof harmless / sizeof *harmless);
}

static bool changes(const struct row *row, const uint64_t argument[6])
{
    switch (row->kind) {
    case NO:
        return false;
    case YES:
        return true;
    case IF_OPENED:
        return (argument[row->argument + 1] & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) != 0;
    case IF_LOCKED:
        return !only_of_descriptor(argument[1]);
    case IF_SET:
        return !only_reads(argument[1]);
    case IF_SHARED:
        return (argument[2] & PROT_WRITE) && (argument[3] & MAP_SHARED) &&
               !(argument[3] & MAP_ANONYMOUS);
    }
    return true;
}

struct call call_of(uint64_t number, const uint64_t argument[6], char spare[static 32])
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].number == number)
            return (struct call){rows[i].name, changes(&rows[i], argument), rows[i].target,
                                 rows[i].argument};
    snprintf(spare, 32, "call %llu", (unsigned long long)number);
    return (struct call){spare, true, CALL_NOTHING, 0};
}
