/* See dumps.h. */
#include "core/dumps.h"

#include <sys/prctl.h>
#include <sys/resource.h>

void jig_dumps_off(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = 0;
        setrlimit(RLIMIT_CORE, &limit);
    }
    prctl(PR_SET_DUMPABLE, 0);
}
