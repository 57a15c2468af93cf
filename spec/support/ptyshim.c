/* A preloaded library that gives pseudo-terminals what libserialport asks of a serial port: an
 * entry in /sys/class/tty and modem lines. With it the real library is exercised without hardware.
 *
 *     cc -shared -fPIC -o ptyshim.so ptyshim.c
 *     LD_PRELOAD=./ptyshim.so JIG_PTYSHIM_LINES=/tmp/lines jig run ... --port serial:/dev/pts/5
 *
 * Every change of a line appends one text line to the file that JIG_PTYSHIM_LINES names, for the
 * device's side to read: "/dev/pts/5 dtr=1 rts=0 break=0". After an open both lines stand at 1, as
 * on a real port. Under a sanitizer set ASAN_OPTIONS=verify_asan_link_order=0.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
    PTS_MAJOR_FIRST = 136, /* Documentation/admin-guide/devices.txt: 136-143 are the slaves */
    PTS_MAJOR_LAST = 143,
    MAX_PTYS = 1024,
    ALWAYS_ON = TIOCM_CTS | TIOCM_DSR | TIOCM_CD,
};

struct line {
    bool used, in_break;
    int modem;
};

static struct line lines[MAX_PTYS];

static const char sys_prefix[] = "/sys/class/tty/pts/";
static const char sys_target[] = "../../devices/virtual/tty/pts";

static bool is_pts_entry(const char *path)
{
    return !strncmp(path, sys_prefix, sizeof sys_prefix - 1);
}

static int answer_link(struct stat *about)
{
    memset(about, 0, sizeof *about);
    about->st_mode = S_IFLNK | 0777;
    return 0;
}

int lstat(const char *path, struct stat *about)
{
    return is_pts_entry(path) ? answer_link(about)
                              : fstatat(AT_FDCWD, path, about, AT_SYMLINK_NOFOLLOW);
}

/* The name under which a program that was linked before glibc 2.33 calls lstat. */
int __lxstat(int version, const char *path, struct stat *about);

int __lxstat(int version, const char *path, struct stat *about)
{
    (void)version;
    return lstat(path, about);
}

ssize_t readlink(const char *path, char *out, size_t size)
{
    if (!is_pts_entry(path))
        return readlinkat(AT_FDCWD, path, out, size);
    size_t n = sizeof sys_target - 1; /* as readlink does, without a NUL */
    n = n < size ? n : size;
    memcpy(out, sys_target, n);
    return (ssize_t)n;
}

/* The state of a pseudo-terminal's slave, or NULL for any other descriptor. */
static struct line *line_of(int fd, unsigned *number)
{
    struct stat about;
    if (fstat(fd, &about) < 0 || !S_ISCHR(about.st_mode))
        return NULL;
    unsigned type = major(about.st_rdev);
    if (type < PTS_MAJOR_FIRST || type > PTS_MAJOR_LAST || minor(about.st_rdev) >= MAX_PTYS)
        return NULL;
    *number = minor(about.st_rdev);
    struct line *line = &lines[*number];
    if (!line->used)
        *line = (struct line){.used = true, .modem = TIOCM_DTR | TIOCM_RTS};
    return line;
}

static void report(const struct line *line, unsigned number)
{
    const char *path = getenv("JIG_PTYSHIM_LINES");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
    if (fd < 0)
        return;
    char text[80];
    int n =
        snprintf(text, sizeof text, "/dev/pts/%u dtr=%d rts=%d break=%d\n", number,
                 (line->modem & TIOCM_DTR) != 0, (line->modem & TIOCM_RTS) != 0, line->in_break);
    if (write(fd, text, (size_t)n) != n)
        abort(); /* the spec would wait for a change that it cannot see */
    close(fd);
}

/* Whether the request was one about lines, and was done. */
static bool change(struct line *line, unsigned long request, int *bits)
{
    switch (request) {
    case TIOCMGET:
        *bits = line->modem | ALWAYS_ON;
        return true;
    case TIOCMBIS:
        line->modem |= *bits;
        return true;
    case TIOCMBIC:
        line->modem &= ~*bits;
        return true;
    case TIOCMSET:
        line->modem = *bits;
        return true;
    case TIOCSBRK:
    case TIOCCBRK:
        line->in_break = request == TIOCSBRK;
        return true;
    default:
        return false;
    }
}

typedef int ioctl_fn(int fd, unsigned long request, ...);

static int real_ioctl(int fd, unsigned long request, void *argument)
{
    static ioctl_fn *next;
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "ioctl");
    return next(fd, request, argument);
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    va_start(args, request);
    void *argument = va_arg(args, void *);
    va_end(args);
    int rc = real_ioctl(fd, request, argument);
    bool is_break = request == TIOCSBRK || request == TIOCCBRK; /* a pty accepts and ignores it */
    if (!(rc < 0 && (errno == ENOTTY || errno == EINVAL)) && !(rc == 0 && is_break))
        return rc;
    unsigned number;
    int saved = errno;
    struct line *line = line_of(fd, &number);
    struct line before = line ? *line : (struct line){0};
    if (!line || !change(line, request, argument)) {
        errno = saved;
        return rc;
    }
    if (before.modem != line->modem || before.in_break != line->in_break)
        report(line, number);
    return 0;
}
