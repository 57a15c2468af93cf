/* What a child sees of jig's environment.
 *
 * jig's own environment holds what is no business of the programs that it runs for a recipe or a
 * station: where credentials lie (CREDENTIALS_DIRECTORY), systemd's socket (NOTIFY_SOCKET), an
 * agent's (SSH_AUTH_SOCK), keys of the operator's shell, code to preload (LD_PRELOAD). And what a
 * station does must not depend on the shell that it was started from. So a child gets these names
 * of it, those that are set, and no others:
 *
 *   PATH                     where it finds programs that it runs itself
 *   HOME, USER, LOGNAME      whose it is, and where its files of settings lie
 *   LANG, LANGUAGE, LC_ALL, LC_COLLATE, LC_CTYPE, LC_MESSAGES, LC_MONETARY, LC_NUMERIC, LC_TIME
 *                            in which language and encoding it speaks
 *   TZ                       of the times that it writes
 *   TMPDIR                   where it puts what is temporary
 *
 * Not TERM and SHELL: no person sits before it. Not LC_* as such: ssh lets any such name through.
 * Who needs another one names it: cli.env in a station file, exec:env NAME=value in an address.
 */
#ifndef JIG_CORE_ENVIRONMENT_H
#define JIG_CORE_ENVIRONMENT_H

#include <stddef.h>

enum { JIG_ENVIRONMENT_MAX = 15 }; /* so many names are on the list */

/* Fills `list` with the entries "NAME=value" of jig's environment that a child sees, and NULL;
 * gives their number. The texts are the environment's own: they live until it is changed. */
size_t jig_environment(const char *list[JIG_ENVIRONMENT_MAX + 1]);

#endif
