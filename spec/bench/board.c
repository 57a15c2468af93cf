/* A board that answers both messages at once, on a pseudo-terminal; or many of them.
 *     board LINK [COUNT]
 * makes LINK a link to the terminal, says "ready" on stdout, and ends when its stdin does. With
 * COUNT, 2 or more, there are as many, and LINK.1, LINK.2, ... link to theirs. It may be opened
 * again and again: it holds the terminals itself, so that a client's close is no hang-up.
 */
#include "frame.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

enum { MOST = 1024 };

struct board {
    struct crc_table crc;
    int fd;
    uint8_t in[FRAME_MAX];
    size_t n;
};

/* The answer is small: the terminal takes it whole. */
static bool answer(const struct board *b, bool second)
{
    uint8_t payload[RESPONSE_1], out[RESPONSE_1 + FRAME_EXTRA];
    size_t n = second ? RESPONSE_2 : RESPONSE_1;
    for (size_t i = 0; i < n; i++)
        payload[i] = (uint8_t)(second ? i * 11 + 10 : i * 7 + 1);
    n = frame_put(&b->crc, out, payload, n);
    return write(b->fd, out, n) == (ssize_t)n;
}

static bool hear(struct board *b)
{
    ssize_t got = read(b->fd, b->in + b->n, sizeof b->in - b->n);
    if (got <= 0)
        return false;
    b->n += (size_t)got;
    ssize_t frame = frame_check(&b->crc, b->in, b->n);
    if (frame == 0)
        return true;
    if (frame < 0 || (size_t)frame != b->n) {
        fprintf(stderr, "board: a damaged message\n");
        return false;
    }
    b->n = 0;
    return answer(b, frame > REQUEST_1 + FRAME_EXTRA);
}

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

/* Answers on all terminals until stdin, which is behind them, ends. */
static int serve(struct board *boards, struct pollfd *wait, size_t count)
{
    while (poll(wait, count + 1, -1) > 0 && !wait[count].revents)
        for (size_t i = 0; i < count; i++)
            if (wait[i].revents && !hear(&boards[i]))
                return 1;
    return 0;
}

/* One terminal at `link`, or `count` at link.1 and on. */
static bool open_all(struct board *boards, struct pollfd *wait, long count, const char *link)
{
    for (long i = 0; i < count; i++) {
        char name[4096];
        snprintf(name, sizeof name, count > 1 ? "%s.%ld" : "%s", link, i + 1);
        crc_fill(&boards[i].crc);
        boards[i].fd = open_terminal(name);
        if (boards[i].fd < 0)
            return false;
        wait[i] = (struct pollfd){.fd = boards[i].fd, .events = POLLIN};
    }
    wait[count] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    return true;
}

int main(int argc, char **argv)
{
    long count = argc == 3 ? strtol(argv[2], NULL, 10) : 1;
    if (argc < 2 || argc > 3 || count < 1 || count > MOST)
        return 2;
    int rc = 1;
    struct board *boards = calloc((size_t)count, sizeof *boards);
    struct pollfd *wait = calloc((size_t)count + 1, sizeof *wait);
    if (boards && wait && open_all(boards, wait, count, argv[1])) {
        puts("ready");
        fflush(stdout);
        rc = serve(boards, wait, (size_t)count);
    } else {
        perror("board");
    }
    free(boards);
    free(wait);
    return rc;
}
