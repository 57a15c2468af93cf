/* See pty.h. */
#include "core/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int open_ends(int *ours, int *theirs)
{
    char name[64];
    *ours = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (*ours < 0 || unlockpt(*ours) < 0)
        return errno;
    int rc = ptsname_r(*ours, name, sizeof name);
    if (rc)
        return rc;
    *theirs = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return *theirs < 0 ? errno : 0;
}

int jig_pty_open(int *ours, int *theirs)
{
    *ours = *theirs = -1;
    int rc = open_ends(ours, theirs);
    if (rc && *ours >= 0)
        close(*ours);
    if (rc)
        *ours = *theirs = -1;
    return rc;
}
