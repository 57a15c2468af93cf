/* See seat.h. */
#include "core/seat.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/folder.h"
#include "core/process.h"

enum { FOLDER_MODE = 02775, FILE_MODE = 0660, TRIES = 8, LINE = 128 };

bool jig_seats_name(const char *token)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    size_t n = strlen(token);
    return n > 0 && n <= JIG_TOKEN_MAX && token[0] != '.' && strspn(token, allowed) == n;
}

int64_t jig_seats_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * JIG_SECOND + now.tv_nsec;
}

/* ---- files ---- */

/* The path of a seat, or of the mark (number < 0). NULL when there is no memory. */
static char *path_of(const struct jig_seats *seats, int number)
{
    char *path;
    int n = number < 0 ? asprintf(&path, "%s/%s.waiting", seats->folder, seats->token)
                       : asprintf(&path, "%s/%s.%d", seats->folder, seats->token, number);
    return n < 0 ? NULL : path;
}

/* Opens a file of the group, and makes it when it is missing: O_CREAT comes second, since systems
 * refuse it in some shared folders for a file of another user that is there. -1 with errno. */
static int only_file(int fd)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

static int open_shared(const char *path, int flags)
{
    flags |= O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK; /* what is no file must not be waited for */
    for (int i = 0; i < TRIES; i++) {
        int fd = open(path, flags);
        if (fd >= 0)
            return only_file(fd);
        if (errno != ENOENT)
            return -1;
        fd = open(path, flags | O_CREAT | O_EXCL, FILE_MODE);
        if (fd >= 0) {
            (void)!fchmod(fd, FILE_MODE); /* whatever the umask is */
            return fd;
        }
        if (errno != EEXIST)
            return -1;
    }
    return -1;
}

/* What everybody may write is no place for a lock: anyone could hold it, or forge who does. */
static int check_folder(int fd, const char *folder, bool made, struct jig_error *err)
{
    struct stat st;
    if (made)
        (void)!fchmod(fd, FOLDER_MODE); /* whatever the umask is */
    if (fstat(fd, &st) < 0)
        return jig_fail_sys(err, errno, "cannot look at the lock folder %s", folder);
    if (st.st_mode & S_IWOTH)
        return jig_fail(err, JIG_EDENIED, "the lock folder %s may be written by everybody", folder);
    return JIG_OK;
}

static int make_folder(const char *folder, struct jig_error *err)
{
    struct stat st;
    bool made = stat(folder, &st) < 0;
    int rc = jig_folder_make(folder, err);
    if (rc < 0)
        return rc;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return jig_fail_sys(err, errno, "cannot open the lock folder %s", folder);
    rc = check_folder(fd, folder, made, err);
    close(fd);
    return rc;
}

/* The one code of all that keeps a call from the token; the text says what it is. */
static int fail_open(const struct jig_seats *seats, int sys, struct jig_error *err)
{
    return jig_fail(err, JIG_ETOKEN, "cannot open the lock files of token '%s' in %s: %s",
                    seats->token, seats->folder, strerror(sys));
}

static int open_files(struct jig_seats *seats, struct jig_error *err)
{
    int rc = make_folder(seats->folder, err);
    char *path = path_of(seats, -1);
    if (rc == JIG_OK && !path)
        rc = jig_fail(err, JIG_ENOMEM, "no memory for a gate");
    if (rc == JIG_OK && access(seats->folder, W_OK | X_OK) < 0)
        rc = jig_fail_sys(err, errno, "the lock folder %s cannot be written", seats->folder);
    if (rc == JIG_OK && (seats->waiting = open_shared(path, O_RDONLY)) < 0)
        rc = fail_open(seats, errno, err);
    free(path);
    return rc;
}

int jig_seats_open(struct jig_seats *seats, const char *folder, const char *token, int width,
                   struct jig_error *err)
{
    *seats = (struct jig_seats){.width = width, .waiting = -1};
    if (!jig_seats_name(token))
        return jig_fail(err, JIG_EINVALID,
                        "a token's name has 1 to %d of A-Z a-z 0-9 _ . -, and no dot at first",
                        JIG_TOKEN_MAX);
    if (width < 1 || width > JIG_SEATS_MAX)
        return jig_fail(err, JIG_EINVALID, "a token's width is 1 to %d", JIG_SEATS_MAX);
    seats->folder = strdup(folder);
    seats->token = strdup(token);
    seats->seats = calloc((size_t)width, sizeof *seats->seats);
    seats->start = jig_process_start(getpid());
    int rc = seats->folder && seats->token && seats->seats
                 ? open_files(seats, err)
                 : jig_fail(err, JIG_ENOMEM, "no memory for a gate");
    if (rc < 0)
        jig_seats_close(seats);
    return rc;
}

void jig_seats_close(struct jig_seats *seats)
{
    for (int i = 0; seats->seats && i < seats->width; i++)
        if (seats->seats[i].state != JIG_SEAT_AWAY)
            close(seats->seats[i].fd);
    if (seats->waiting >= 0)
        close(seats->waiting);
    free(seats->folder);
    free(seats->token);
    free(seats->seats);
    *seats = (struct jig_seats){.waiting = -1};
}

/* ---- locks ---- */

static void leave(struct jig_seat *seat)
{
    close(seat->fd);
    *seat = (struct jig_seat){0};
}

/* One try: JIG_OK = its lock is ours, JIG_AGAIN = taken. */
static int try_seat(const struct jig_seats *seats, struct jig_seat *seat, const char *path,
                    struct jig_error *err)
{
    for (int i = 0; i < TRIES; i++) {
        if (seat->state == JIG_SEAT_TAKEN && !jig_folder_names(path, seat->fd))
            leave(seat);
        if (seat->state == JIG_SEAT_AWAY) {
            int fd = open_shared(path, O_RDWR);
            if (fd < 0)
                return fail_open(seats, errno, err);
            *seat = (struct jig_seat){.state = JIG_SEAT_TAKEN, .fd = fd};
        }
        if (flock(seat->fd, LOCK_EX | LOCK_NB) < 0)
            return errno == EWOULDBLOCK ? JIG_AGAIN : fail_open(seats, errno, err);
        if (jig_folder_names(path, seat->fd))
            return JIG_OK;
        leave(seat); /* removed between opening and locking */
    }
    return JIG_AGAIN;
}

static int use(struct jig_seats *seats, int number)
{
    seats->seats[number].state = JIG_SEAT_USED;
    return number;
}

int jig_seats_take(struct jig_seats *seats, struct jig_error *err)
{
    for (int i = 0; i < seats->width; i++)
        if (seats->seats[i].state == JIG_SEAT_OURS)
            return use(seats, i);
    for (int i = 0; i < seats->width; i++) {
        if (seats->seats[i].state == JIG_SEAT_USED)
            continue;
        char *path = path_of(seats, i);
        int rc = path ? try_seat(seats, &seats->seats[i], path, err)
                      : jig_fail(err, JIG_ENOMEM, "no memory for a gate");
        free(path);
        if (rc == JIG_OK)
            jig_seats_sign(seats, use(seats, i), 0, 0);
        if (rc != JIG_AGAIN)
            return rc < 0 ? rc : i;
    }
    return JIG_AGAIN;
}

void jig_seats_give(struct jig_seats *seats, int number, bool keep)
{
    jig_seats_sign(seats, number, 0, 0);
    if (keep)
        seats->seats[number].state = JIG_SEAT_OURS;
    else
        leave(&seats->seats[number]);
}

void jig_seats_rest(struct jig_seats *seats)
{
    for (int i = 0; i < seats->width; i++)
        if (seats->seats[i].state == JIG_SEAT_OURS || seats->seats[i].state == JIG_SEAT_TAKEN)
            leave(&seats->seats[i]);
}

/* The mark's lock is one of the open file, not flock's: that one can be asked whether others have
 * it without being taken. */
void jig_seats_mark(struct jig_seats *seats, bool waits)
{
    struct flock mark = {.l_type = waits ? F_RDLCK : F_UNLCK, .l_whence = SEEK_SET};
    if (waits != seats->marked)
        seats->marked = fcntl(seats->waiting, F_OFD_SETLK, &mark) == 0 ? waits : seats->marked;
}

bool jig_seats_wanted(const struct jig_seats *seats)
{
    struct flock mark = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(seats->waiting, F_OFD_GETLK, &mark) == 0 && mark.l_type != F_UNLCK;
}

/* ---- what stands in a seat's file: five numbers, each as wide as it gets, so that one write
 * replaces them all ---- */

void jig_seats_sign(const struct jig_seats *seats, int number, int64_t cli, int64_t deadline)
{
    char line[LINE];
    int n = snprintf(line, sizeof line,
                     "%10ld %20" PRIu64 " %10" PRId64 " %20" PRIu64 " %20" PRId64 "\n",
                     (long)getpid(), seats->start, cli, jig_process_start(cli), deadline);
    if (pwrite(seats->seats[number].fd, line, (size_t)n, 0) < 0)
        return; /* for people, and for those who end orphans: the lock holds without it */
}

bool jig_seats_read(const struct jig_seats *seats, int number, struct jig_seat_record *record)
{
    char line[LINE], *at = line;
    ssize_t n = seats->seats[number].state == JIG_SEAT_TAKEN
                    ? pread(seats->seats[number].fd, line, sizeof line - 1, 0)
                    : 0;
    line[n > 0 ? n : 0] = '\0';
    if (!strchr(line, '\n'))
        return false;
    record->pid = strtoll(at, &at, 10);
    record->start = strtoull(at, &at, 10);
    record->cli = strtoll(at, &at, 10);
    record->cli_start = strtoull(at, &at, 10);
    record->deadline = strtoll(at, &at, 10);
    return record->pid > 0 && *at == '\n';
}

/* ---- orphans ---- */

/* Right before a signal: it is no other process's group by now, and it does hold the seat, whatever
 * the file says, which others of the group may write. */
static void signal_cli(const struct jig_seat *seat, const struct jig_seat_record *record,
                       int signum)
{
    if (record->cli > 1 && jig_process_holds(record->cli, seat->fd) &&
        jig_process_lives(record->cli, record->cli_start))
        kill(-(pid_t)record->cli, signum);
}

int64_t jig_seats_end_orphan(struct jig_seats *seats, int number, int64_t grace,
                             struct jig_seat_record *ended)
{
    struct jig_seat_record record;
    struct jig_seat *seat = &seats->seats[number];
    if (!jig_seats_read(seats, number, &record) || record.cli <= 1 ||
        jig_process_lives(record.pid, record.start) ||
        !jig_process_lives(record.cli, record.cli_start))
        return JIG_FOREVER;
    int64_t now = jig_seats_clock();
    if (now < record.deadline)
        return record.deadline - now;
    if (seat->ending != record.cli) {
        signal_cli(seat, &record, SIGTERM);
        seat->ending = record.cli;
        seat->kill_at = grace < JIG_FOREVER - now ? now + grace : JIG_FOREVER;
        *ended = record;
    } else if (now >= seat->kill_at) {
        signal_cli(seat, &record, SIGKILL);
        return grace;
    }
    return seat->kill_at - now;
}
