/* Core dumps of this process: its memory holds payloads and, for a moment, a PIN, and a dump would
 * leave them on a disk. */
#ifndef JIG_CORE_DUMPS_H
#define JIG_CORE_DUMPS_H

/* From now on this process leaves no core, wherever the system's core_pattern leads: its soft limit
 * is 0, which a pattern that names a program does not heed, and it is not dumpable, which each
 * does. It stays so to the end, for memory that held a secret is not done with when a session is.
 * Twice is harmless. It cannot fail: a process may always have less.
 *
 * What else is so from then on: only root, or who has CAP_SYS_PTRACE, may attach a debugger or read
 * its memory; and its folder in /proc belongs to root, so that another user, and this one, no
 * longer sees there which files it has open (its locks in /proc/locks are seen as before). Its
 * threads see their own. A child is not dumpable either until it becomes its program, which then is
 * as any other; core/child gives each the limit 0. */
void jig_dumps_off(void);

#endif
