/* See lend.h. While nothing is lent the descriptors stand at /dev/null, so that nobody else can get
 * their numbers, another thread included. */
#include "core/lend.h"

#include <fcntl.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2
#endif

static struct {
    bool ready;
    int nothing, low[JIG_LENT], last, used;
} lender;

static void forget(void)
{
    for (int i = 0; i < lender.used; i++)
        close(lender.low[i]);
    close(lender.nothing);
    lender.ready = false;
}

void jig_lend_prepare(void)
{
    if (lender.ready)
        return;
    lender.nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (lender.used = 0; lender.used < JIG_LENT; lender.used++) {
        int fd = fcntl(lender.nothing, F_DUPFD_CLOEXEC, 3);
        if (fd < 0) {
            forget();
            return;
        }
        lender.low[lender.used] = fd;
        lender.last = fd > lender.last ? fd : lender.last;
    }
    lender.used = 0;
    lender.ready = true;
}

static bool lend(int *descriptor)
{
    int fd = lender.low[lender.used];
    if (*descriptor < 0)
        return true; /* /dev/null, which the child opens */
    if (dup3(*descriptor, fd, O_CLOEXEC) < 0)
        return false;
    lender.used++;
    *descriptor = fd;
    return true;
}

bool jig_lend_begin(struct jig_child_options *options)
{
    struct jig_child_options lent = *options;
    bool done = lender.ready;
    for (size_t i = 0; done && i < 3 + lent.n_kept; i++)
        done = lend(i < 3 ? &lent.stdio[i] : &lent.kept[i - 3]);
    if (done)
        *options = lent;
    else
        jig_lend_end(false);
    return done;
}

int jig_lend_separate(void)
{
    return close_range((unsigned)lender.last + 1, ~0u, CLOSE_RANGE_UNSHARE);
}

void jig_lend_end(bool failed)
{
    while (lender.used > 0)
        dup3(lender.nothing, lender.low[--lender.used], O_CLOEXEC);
    if (failed) {
        lender.used = JIG_LENT;
        forget();
    }
}
