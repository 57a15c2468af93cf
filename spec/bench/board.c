/* A board that answers both messages, on a pseudo-terminal; or many of them.
 *     board LINK [COUNT [LATENCY]]
 * makes LINK a link to the terminal, says "ready" on stdout, and ends when its stdin does. With
 * COUNT, 2 or more, there are as many, and LINK.1, LINK.2, ... link to theirs. It may be opened
 * again and again: it holds the terminals itself, so that a client's close is no hang-up. It
 * answers at once, or LATENCY milliseconds after a message is whole.
 *
 * To each line on stdin it says, for each board, when it was about to write its latest answer to
 * either message: two times in nanoseconds of CLOCK_MONOTONIC, 0 where there was none.
 */
#include "frame.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 1024, BATCH = 64 };

static const int64_t second_ns = 1000000000, millisecond_ns = 1000000;

struct board {
    int fd;
    uint8_t in[FRAME_MAX];
    size_t n;
    int64_t written[2]; /* when each answer was, last */
};

struct due {
    int64_t at;
    struct board *board;
    bool second;
};

/* Answers become due in the order of their messages. */
struct boards {
    struct crc_table crc;
    struct board *all;
    size_t count;
    int epoll;
    int64_t latency;
    struct due queue[MOST];
    size_t first, queued;
};

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * second_ns + t.tv_nsec;
}

/* ---- answers ---- */

/* The answer is small: the terminal takes it whole. */
static bool answer(const struct boards *s, struct board *b, bool second)
{
    uint8_t payload[RESPONSE_1], out[RESPONSE_1 + FRAME_EXTRA];
    size_t n = second ? RESPONSE_2 : RESPONSE_1;
    for (size_t i = 0; i < n; i++)
        payload[i] = (uint8_t)(second ? i * 11 + 10 : i * 7 + 1);
    n = frame_put(&s->crc, out, payload, n);
    b->written[second] = now();
    return write(b->fd, out, n) == (ssize_t)n;
}

/* A board whose message is not answered yet gets no second one. */
static bool answer_later(struct boards *s, struct board *b, bool second)
{
    if (s->queued == s->count)
        return false;
    s->queue[(s->first + s->queued++) % MOST] = (struct due){now() + s->latency, b, second};
    return true;
}

static bool answer_due(struct boards *s)
{
    while (s->queued && s->queue[s->first].at <= now()) {
        const struct due *due = &s->queue[s->first];
        s->first = (s->first + 1) % MOST;
        s->queued--;
        if (!answer(s, due->board, due->second))
            return false;
    }
    return true;
}

static bool hear(struct boards *s, struct board *b)
{
    ssize_t got = read(b->fd, b->in + b->n, sizeof b->in - b->n);
    if (got <= 0)
        return false;
    b->n += (size_t)got;
    ssize_t frame = frame_check(&s->crc, b->in, b->n);
    if (frame == 0)
        return true;
    if (frame < 0 || (size_t)frame != b->n) {
        fprintf(stderr, "board: a damaged message\n");
        return false;
    }
    b->n = 0;
    bool second = frame > REQUEST_1 + FRAME_EXTRA;
    return s->latency ? answer_later(s, b, second) : answer(s, b, second);
}

/* ---- terminals ---- */

static int open_terminal(const char *link)
{
    struct termios settings;
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        return -1;
    const char *name = ptsname(master);
    int slave = open(name, O_RDWR | O_NOCTTY);
    if (slave < 0 || tcgetattr(slave, &settings) < 0)
        return -1;
    cfmakeraw(&settings);
    if (tcsetattr(slave, TCSANOW, &settings) < 0 || symlink(name, link) < 0)
        return -1;
    return master;
}

static bool watch(const struct boards *s, int fd, struct board *board)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = board};
    return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* One terminal at `link`, or as many as there are boards at link.1 and on. */
static bool open_all(struct boards *s, const char *link)
{
    for (size_t i = 0; i < s->count; i++) {
        char name[4096];
        snprintf(name, sizeof name, s->count > 1 ? "%s.%zu" : "%s", link, i + 1);
        s->all[i].fd = open_terminal(name);
        if (s->all[i].fd < 0 || !watch(s, s->all[i].fd, &s->all[i]))
            return false;
    }
    return true;
}

/* ---- serving ---- */

/* False at the end of stdin. */
static bool tell_times(const struct boards *s)
{
    char line[64];
    if (read(STDIN_FILENO, line, sizeof line) <= 0)
        return false;
    for (size_t i = 0; i < s->count; i++)
        printf("%" PRId64 " %" PRId64 "\n", s->all[i].written[0], s->all[i].written[1]);
    return fflush(stdout) == 0;
}

static int wait_for(const struct boards *s, struct epoll_event *events)
{
    if (!s->queued)
        return epoll_wait(s->epoll, events, BATCH, -1);
    int64_t left = s->queue[s->first].at - now();
    left = left > 0 ? left : 0;
    struct timespec time = {left / second_ns, left % second_ns};
    return epoll_pwait2(s->epoll, events, BATCH, &time, NULL);
}

/* Answers on all terminals until stdin ends. */
static int serve(struct boards *s)
{
    struct epoll_event events[BATCH];
    for (;;) {
        int n = wait_for(s, events);
        for (int i = 0; i < n; i++) {
            struct board *b = events[i].data.ptr;
            if (!b && !tell_times(s))
                return 0;
            if (b && !hear(s, b))
                return 1;
        }
        if (n < 0 || !answer_due(s))
            return 1;
    }
}

int main(int argc, char **argv)
{
    static struct boards s;
    long count = argc > 2 ? strtol(argv[2], NULL, 10) : 1;
    if (argc < 2 || argc > 4 || count < 1 || count > MOST)
        return 2;
    crc_fill(&s.crc);
    s.count = (size_t)count;
    s.latency = argc > 3 ? strtol(argv[3], NULL, 10) * millisecond_ns : 0;
    s.all = calloc(s.count, sizeof *s.all);
    s.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!s.all || s.epoll < 0 || !watch(&s, STDIN_FILENO, NULL) || !open_all(&s, argv[1])) {
        perror("board");
        return 1;
    }
    puts("ready");
    fflush(stdout);
    return serve(&s);
}
