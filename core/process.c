/* See process.h. */
#include "core/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATE = 3, START = 22 }; /* fields of /proc/PID/stat */

uint64_t jig_process_start(int64_t pid)
{
    char path[64], stat[1024];
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, stat, sizeof stat - 1);
    close(fd);
    if (n <= 0)
        return 0;
    stat[n] = '\0';
    /* the second field, the program's name, may hold anything, ')' included */
    const char *at = strrchr(stat, ')');
    for (int field = STATE - 1; at && field < START; field++) {
        at = strchr(at + 1, ' ');
        if (at && field + 1 == STATE && strchr("ZXx", at[1]))
            return 0;
    }
    return at ? strtoull(at + 1, NULL, 10) : 0;
}

bool jig_process_lives(int64_t pid, uint64_t start)
{
    return start != 0 && jig_process_start(pid) == start;
}

bool jig_process_holds(int64_t pid, int fd)
{
    char path[64];
    struct stat wanted, st;
    snprintf(path, sizeof path, "/proc/%" PRId64 "/fd", pid);
    DIR *list = fstat(fd, &wanted) == 0 ? opendir(path) : NULL;
    bool found = false;
    for (const struct dirent *entry; list && !found && (entry = readdir(list));)
        found = fstatat(dirfd(list), entry->d_name, &st, 0) == 0 && st.st_dev == wanted.st_dev &&
                st.st_ino == wanted.st_ino;
    if (list)
        closedir(list);
    return found;
}
