/* See gate_watch.h. */
#include "core/gate_watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "core/seat.h"

struct jig_gate_watch {
    struct jig_watch *watch;
    int fd;
    void (*fn)(void *data);
    void *data;
    char token[JIG_TOKEN_MAX + 1];
};

/* "TOKEN.N", also of another token that begins so: it is merely looked at. */
static bool is_seat(const struct jig_gate_watch *w, const char *name)
{
    size_t n = strlen(w->token);
    return strncmp(name, w->token, n) == 0 && name[n] == '.' && name[n + 1] >= '0' &&
           name[n + 1] <= '9';
}

/* Reads all that is told; more than one change is one. */
static void readable(void *data, unsigned events)
{
    struct jig_gate_watch *w = data;
    _Alignas(struct inotify_event) char bytes[4096];
    bool seen = false;
    ssize_t n;
    (void)events;
    while ((n = read(w->fd, bytes, sizeof bytes)) > 0)
        for (const char *at = bytes; at < bytes + n;) {
            const struct inotify_event *event = (const void *)at;
            seen = seen || (event->len ? is_seat(w, event->name) : true);
            at += sizeof *event + event->len;
        }
    if (seen)
        w->fn(w->data);
}

struct jig_gate_watch *jig_gate_watch_new(struct jig_loop *loop, const char *folder,
                                          const char *token, void (*fn)(void *data), void *data)
{
    struct jig_gate_watch *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->fn = fn;
    w->data = data;
    strncpy(w->token, token, JIG_TOKEN_MAX);
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd >= 0 && inotify_add_watch(w->fd, folder, IN_CLOSE_WRITE | IN_DELETE | IN_MOVE) >= 0)
        w->watch = jig_watch_new(loop, w->fd, readable, w, NULL);
    if (!w->watch) {
        jig_gate_watch_free(w);
        return NULL;
    }
    jig_watch_want(w->watch, JIG_READABLE);
    return w;
}

void jig_gate_watch_free(struct jig_gate_watch *w)
{
    if (!w)
        return;
    jig_watch_free(w->watch);
    if (w->fd >= 0)
        close(w->fd);
    free(w);
}
