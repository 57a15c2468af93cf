/* Time: nanoseconds on the monotonic clock, or on a virtual one that stands still until moved.
 *
 * All deadlines in jig are absolute times of the loop's clock. The wall clock is never used to
 * wait. Seconds appear only at the Lua edge.
 */
#ifndef JIG_CORE_CLOCK_H
#define JIG_CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define JIG_FOREVER INT64_MAX
enum { JIG_MS = 1000000, JIG_SECOND = 1000000000 };

struct jig_clock {
    bool simulated; /* false: CLOCK_MONOTONIC; true: `at`, moved by jig_clock_advance */
    int64_t at;
};

int64_t jig_clock_now(const struct jig_clock *c);

/* Moves a simulated clock forward to `when`; never backwards. No effect on the real one. */
void jig_clock_advance(struct jig_clock *c, int64_t when);

/* `from` plus seconds, saturating: infinite or huge seconds give JIG_FOREVER, negative ones and
 * NaN give `from`. */
int64_t jig_clock_after(int64_t from, double seconds);

#endif
