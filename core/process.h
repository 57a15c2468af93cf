/* A process named for as long as the machine runs: by its id and when it started. An id alone may
 * be another process's by the time it is used. */
#ifndef JIG_CORE_PROCESS_H
#define JIG_CORE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/* When a process started, in ticks since the machine did; 0 when there is none of that id, or when
 * it has ended and is merely not reaped yet. */
uint64_t jig_process_start(int64_t pid);

/* Whether the process with that id and start is alive. */
bool jig_process_lives(int64_t pid, uint64_t start);

/* Whether the process has the file open that `fd` is; false also when its descriptors may not be
 * seen. */
bool jig_process_holds(int64_t pid, int fd);

#endif
