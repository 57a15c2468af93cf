/* A program whose death the tracer's spec looks into:
 *
 *     lines FOLDER THREADS LINES
 *
 * starts `touch FOLDER/child` the way jig starts its CLI and waits for it; then each of its threads
 * writes the numbers 1 to LINES, a line in one call, to a file of its own, FOLDER/0, FOLDER/1, ...,
 * 0 being the main thread's.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS_MAX = 8, STACK_SIZE = 32768 };

struct writer {
    pthread_t thread;
    char path[4096];
    long lines;
};

static void *write_lines(void *data)
{
    const struct writer *w = data;
    int fd = open(w->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (long i = 1; i <= w->lines; i++)
        if (dprintf(fd, "%ld\n", i) < 0)
            abort();
    close(fd);
    return NULL;
}

static int become_touch(void *path)
{
    execlp("touch", "touch", (const char *)path, (char *)NULL);
    _exit(127);
}

static void touch(char *path)
{
    static _Alignas(16) char stack[STACK_SIZE];
    int status;
    pid_t pid = clone(become_touch, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, path);
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
        abort();
}

int main(int argc, char **argv)
{
    static struct writer writers[THREADS_MAX];
    char path[4096];
    if (argc != 4)
        return 2;
    long threads = strtol(argv[2], NULL, 10);
    snprintf(path, sizeof path, "%s/child", argv[1]);
    touch(path);
    for (long i = 0; i < threads && i < THREADS_MAX; i++) {
        struct writer *w = &writers[i];
        w->lines = strtol(argv[3], NULL, 10);
        snprintf(w->path, sizeof w->path, "%s/%ld", argv[1], i);
        if (i > 0 && pthread_create(&w->thread, NULL, write_lines, w) != 0)
            abort();
    }
    write_lines(&writers[0]);
    for (long i = 1; i < threads && i < THREADS_MAX; i++)
        pthread_join(writers[i].thread, NULL);
    return 0;
}
