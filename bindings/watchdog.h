/* The last resort: a slot that does not come back at all. What the budget (budget.h) cannot end is
 * C code that hangs, in a driver say; every other slot hangs with it. A thread of its own looks
 * once a second, says which slot it is, and ends the process as a power cut would: the next start
 * reports what is open.
 */
#ifndef JIG_BINDINGS_WATCHDOG_H
#define JIG_BINDINGS_WATCHDOG_H

#include "bindings/budget.h"
#include "core/error.h"

enum {
#ifdef __SANITIZE_ADDRESS__
    JIG_WATCHDOG_SECONDS = 100, /* everything takes longer then */
#else
    JIG_WATCHDOG_SECONDS = 10, /* of one turn of a slot's task */
#endif
    JIG_WATCHDOG_STATUS = 6, /* a session may still be unreported */
};

struct jig_watchdog;

/* Watches the turns that `meter` counts, until it is freed; `meter` outlives it. NULL on failure.
 */
struct jig_watchdog *jig_watchdog_new(struct jig_meter *meter, unsigned seconds,
                                      struct jig_error *err);
void jig_watchdog_free(struct jig_watchdog *dog); /* dog may be NULL */

#endif
