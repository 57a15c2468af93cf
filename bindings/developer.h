/* JIG_PATH, by which scripts of a folder take the place of those in the program. */
#ifndef JIG_BINDINGS_DEVELOPER_H
#define JIG_BINDINGS_DEVELOPER_H

#include <stdbool.h>

/* Whether JIG_PATH is set and the command line names a station file that may say `trust`: other
 * scripts would not heed it, so this is asked before any is loaded. Refused is a file in whose text
 * `trust` stands, wherever that is, or `require`, by which a part of its folder may say it; and one
 * that cannot be read as a regular file of JIG_GUARD_CAP bytes (core/guard.h) at most. One that is
 * not there is left to the scripts. A file that makes the words up while it runs is not found out.
 * Does not wait for a FIFO. Says so on stderr. */
bool jigL_developer_refused(int argc, char **argv);

#endif
