/* See holders.h. */
#include "transports/holders.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "transports/sysfs.h"

enum {
    OPEN_MAX = 1 << 16, /* descriptors that are looked at: on a larger host not all are */
    PREFIX = 256,       /* bytes of "/dev/" */
};

/* Which file it is. A device that has several nodes is known by its number. */
struct identity {
    dev_t dev, number;
    ino_t ino;
};

struct holding {
    struct identity what;
    int pid;
};

struct jig_holders {
    size_t n, size;
    struct holding *all;
};

static bool identify(const char *path, struct identity *out)
{
    struct stat about;
    if (stat(path, &about) < 0)
        return false;
    *out = (struct identity){.dev = about.st_dev, .ino = about.st_ino};
    if (S_ISCHR(about.st_mode))
        out->number = about.st_rdev;
    return true;
}

static bool is_same(const struct identity *a, const struct identity *b)
{
    return (a->dev == b->dev && a->ino == b->ino) || (a->number && a->number == b->number);
}

/* Also when there is no memory for more: what is known then is better than nothing. */
static void add(struct jig_holders *h, const struct identity *what, int pid)
{
    if (h->n == h->size) {
        size_t size = h->size ? 2 * h->size : 1024;
        struct holding *all = size <= OPEN_MAX ? realloc(h->all, size * sizeof *all) : NULL;
        if (!all)
            return;
        h->all = all;
        h->size = size;
    }
    h->all[h->n++] = (struct holding){*what, pid};
}

/* Where /dev leads, as the link of a descriptor says it: most often "/dev/" itself. */
static void find_devices(char prefix[PREFIX])
{
    int fd = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = fd < 0 ? -1 : readlink(link, prefix, PREFIX - 1);
    if (fd >= 0)
        close(fd);
    bool known = n > 0 && n < PREFIX - 1;
    strcpy(known ? prefix + n : prefix, known ? "/" : "/dev/");
}

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Any other file may be one of a server that does not answer: stat would wait for it. */
static bool is_device(const char *link, const char *prefix)
{
    char target[PREFIX + 1] = "";
    return readlink(link, target, PREFIX) > 0 &&
           (begins_with(target, "/dev/") || begins_with(target, prefix));
}

static void look_at_process(struct jig_holders *h, int pid, const char *prefix)
{
    char folder[32], path[64];
    struct identity what;
    snprintf(folder, sizeof folder, "/proc/%d/fd", pid);
    DIR *dir = opendir(folder);
    if (!dir)
        return; /* it has ended, or it is somebody else's */
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        snprintf(path, sizeof path, "%s/%.16s", folder, e->d_name);
        if (e->d_name[0] != '.' && is_device(path, prefix) && identify(path, &what))
            add(h, &what, pid);
    }
    closedir(dir);
}

static void look_at_processes(struct jig_holders *h)
{
    char prefix[PREFIX];
    DIR *dir = opendir("/proc");
    if (!dir)
        return;
    find_devices(prefix);
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        int pid = atoi(e->d_name);
        if (pid > 0)
            look_at_process(h, pid, prefix);
    }
    closedir(dir);
}

/* "1: FLOCK  ADVISORY  WRITE 4711 00:05:131 0 EOF", the device in hexadecimal */
static void look_at_locks(struct jig_holders *h)
{
    char line[256];
    FILE *file = fopen("/proc/locks", "re");
    if (!file)
        return;
    while (fgets(line, sizeof line, file)) {
        unsigned major = 0, minor = 0;
        unsigned long long ino = 0;
        int pid = 0;
        if (sscanf(line, "%*d: %*s %*s %*s %d %x:%x:%llu", &pid, &major, &minor, &ino) != 4)
            continue;
        struct identity what = {.dev = makedev(major, minor), .ino = (ino_t)ino};
        if (pid > 0)
            add(h, &what, pid);
    }
    fclose(file);
}

struct jig_holders *jig_holders_look(void)
{
    struct jig_holders *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    look_at_processes(h);
    look_at_locks(h);
    return h;
}

void jig_holders_free(struct jig_holders *h)
{
    if (!h)
        return;
    free(h->all);
    free(h);
}

static bool is_among(const struct jig_port_holder *found, size_t n, int pid)
{
    for (size_t i = 0; i < n; i++) {
        if (found[i].pid == pid)
            return true;
    }
    return false;
}

/* A program chooses its name itself. */
static void name_program(struct jig_port_holder *holder)
{
    char folder[32], name[JIG_SYSFS_TEXT] = ""; /* as far as it is copied */
    snprintf(folder, sizeof folder, "/proc/%d", holder->pid);
    jig_sysfs_read(folder, "comm", name);
    name[sizeof holder->program - 1] = '\0';
    jig_sysfs_clean(name);
    memcpy(holder->program, name, sizeof holder->program);
}

size_t jig_holders_of(const struct jig_holders *h, const char *node,
                      struct jig_port_holder out[JIG_PORT_HOLDERS])
{
    struct identity wanted;
    size_t found = 0;
    if (!h || !identify(node, &wanted))
        return 0;
    for (size_t i = 0; i < h->n && found < JIG_PORT_HOLDERS; i++) {
        if (!is_same(&h->all[i].what, &wanted) || is_among(out, found, h->all[i].pid))
            continue;
        out[found] = (struct jig_port_holder){.pid = h->all[i].pid};
        name_program(&out[found++]);
    }
    return found;
}
