/* See clock.h. */
#include "core/clock.h"

#include <time.h>

int64_t jig_clock_now(const struct jig_clock *c)
{
    if (c->simulated)
        return c->at;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * JIG_SECOND + t.tv_nsec;
}

void jig_clock_advance(struct jig_clock *c, int64_t when)
{
    if (c->simulated && when > c->at && when != JIG_FOREVER)
        c->at = when;
}

int64_t jig_clock_after(int64_t from, double seconds)
{
    if (!(seconds > 0))
        return from;
    if (seconds >= (double)(JIG_FOREVER - from) / JIG_SECOND)
        return JIG_FOREVER;
    return from + (int64_t)(seconds * JIG_SECOND);
}
