/* See lend.h. While nothing is lent the descriptors stand at /dev/null, so that nobody else can get
 * their numbers, another thread included. */
#include "core/lend.h"

#include <fcntl.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2
#endif

struct jig_lender {
    bool ready;
    int nothing, low[JIG_LENT], last, used;
};

static const char lender_key;

static struct jig_lender *lender_of(struct jig_loop *loop)
{
    return jig_loop_local(loop, &lender_key, sizeof(struct jig_lender));
}

static void forget(struct jig_lender *lender)
{
    while (lender->used > 0)
        close(lender->low[--lender->used]);
    close(lender->nothing);
    lender->ready = false;
}

void jig_lend_prepare(struct jig_loop *loop)
{
    struct jig_lender *lender = lender_of(loop);
    if (!lender || lender->ready)
        return;
    lender->nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (lender->used = 0; lender->used < JIG_LENT; lender->used++) {
        int fd = fcntl(lender->nothing, F_DUPFD_CLOEXEC, 3);
        if (fd < 0) {
            forget(lender);
            return;
        }
        lender->low[lender->used] = fd;
        lender->last = fd > lender->last ? fd : lender->last;
    }
    lender->used = 0;
    lender->ready = true;
}

static bool lend(struct jig_lender *lender, int *descriptor)
{
    int fd = lender->low[lender->used];
    if (*descriptor < 0)
        return true; /* /dev/null, which the child opens */
    if (dup3(*descriptor, fd, O_CLOEXEC) < 0)
        return false;
    lender->used++;
    *descriptor = fd;
    return true;
}

struct jig_lender *jig_lend_begin(struct jig_loop *loop, struct jig_child_options *options)
{
    struct jig_lender *lender = lender_of(loop);
    struct jig_child_options lent = *options;
    if (!lender || !lender->ready)
        return NULL;
    for (size_t i = 0; i < 3 + lent.n_kept; i++) {
        if (!lend(lender, i < 3 ? &lent.stdio[i] : &lent.kept[i - 3])) {
            jig_lend_end(lender, false);
            return NULL;
        }
    }
    *options = lent;
    return lender;
}

int jig_lend_separate(const struct jig_lender *lender)
{
    return close_range((unsigned)lender->last + 1, ~0u, CLOSE_RANGE_UNSHARE);
}

void jig_lend_end(struct jig_lender *lender, bool failed)
{
    while (lender->used > 0)
        dup3(lender->nothing, lender->low[--lender->used], O_CLOEXEC);
    if (failed) {
        lender->used = JIG_LENT;
        forget(lender);
    }
}
