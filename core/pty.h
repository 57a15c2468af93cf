/* A pseudo-terminal for a child: jig has the one end, the child's standard input is the other. */
#ifndef JIG_CORE_PTY_H
#define JIG_CORE_PTY_H

/* Opens both, with the attributes that the system gives (a line at a time, echoed), closed on exec,
 * ours not blocking, theirs the controlling terminal of nobody yet. 0 or an errno, with nothing
 * open. */
int jig_pty_open(int *ours, int *theirs);

#endif
