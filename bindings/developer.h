/* JIG_PATH, by which scripts of a folder take the place of those in the program. */
#ifndef JIG_BINDINGS_DEVELOPER_H
#define JIG_BINDINGS_DEVELOPER_H

#include <stdbool.h>

/* Whether JIG_PATH is set and the command line names a station file that says `trust`: other
 * scripts would not heed it, so this is asked before any is loaded. The word counts wherever it
 * stands in the file. Says so on stderr. */
bool jigL_developer_refused(int argc, char **argv);

#endif
