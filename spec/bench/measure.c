/* Runs a program and says what it took:
 *     measure PROGRAM [ARGUMENT…]
 * prints after its output, on stderr, one line
 *     @ wall-µs user-µs system-µs peak-RSS-KiB exit-status own-CPU-µs
 * CPU covers all processes that were waited for, the factory_tool among them; own CPU is that of
 * PROGRAM alone; peak RSS is that of the largest one. Linked statically and small, because a
 * process starts with the peak of the one that it was made from. */
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long microseconds(const struct timeval *t)
{
    return t->tv_sec * 1000000L + t->tv_usec;
}

static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

/* What a process that has ended took itself, and not those that it waited for; before it is reaped.
 */
static long own_cpu(pid_t pid)
{
    siginfo_t info;
    struct timespec t;
    clockid_t clock;
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 ||
        clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) < 0)
        return -1;
    return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
    struct rusage used;
    int status = 0;
    if (argc < 2)
        return 2;
    long start = now();
    pid_t pid;
    if (posix_spawnp(&pid, argv[1], NULL, NULL, argv + 1, environ) != 0)
        return 1;
    long own = own_cpu(pid);
    long wall = now() - start;
    if (wait4(pid, &status, 0, &used) < 0)
        return 1;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    dprintf(STDERR_FILENO, "@ %ld %ld %ld %ld %d %ld\n", wall, microseconds(&used.ru_utime),
            microseconds(&used.ru_stime), used.ru_maxrss, code, own);
    return 0;
}
