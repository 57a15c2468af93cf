/* Lines that are typed on a terminal, edited by libedit.
 *
 * libedit waits for keys wherever it pleases, in the middle of a search too, while jig's loop must
 * go on. So it has a thread of its own, and the two take turns: a call of this file lets the thread
 * go on until it has nothing more to do by itself, and waits for that. Only one of them ever runs;
 * nothing is locked, nothing is shared at the same time.
 *
 * The library is loaded when the first editor is opened: who needs none pays nothing.
 */
#ifndef JIG_BINDINGS_EDITLINE_H
#define JIG_BINDINGS_EDITLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

struct jig_editline;

enum { JIG_EDIT_PROMPT = 64, JIG_EDIT_KEPT = 1000 }; /* bytes of a prompt; lines of history */

/* What the thread has come to. */
enum jig_edit_event {
    JIG_EDIT_IDLE,     /* no line is being edited: the terminal is as it was */
    JIG_EDIT_HUNGRY,   /* needs bytes: jig_editline_feed */
    JIG_EDIT_LINE,     /* a line is there; then as idle */
    JIG_EDIT_COMPLETE, /* Tab was pressed: insert or print something, then jig_editline_go_on */
    JIG_EDIT_END,      /* Ctrl-D on an empty line, or the input has ended; then as idle */
};

/* An editor for the terminal of `in` that shows its lines on the terminal of `out`. NULL with *err
 * filled: JIG_ENOTFOUND when the library is not installed. */
struct jig_editline *jig_editline_open(int in, int out, struct jig_error *err);

/* Gives the terminal back as it was and frees the editor. NULL is harmless. */
void jig_editline_close(struct jig_editline *edit);

enum jig_edit_event jig_editline_event(const struct jig_editline *edit);

/* Begins a line, where none is being edited. The prompt is cut at JIG_EDIT_PROMPT bytes. */
void jig_editline_begin(struct jig_editline *edit, const char *prompt);

/* Bytes of the terminal, when it is hungry; none: the input has ended. What stands behind the line
 * that they end is kept for the next one. */
void jig_editline_feed(struct jig_editline *edit, const uint8_t *bytes, size_t n);

/* The completion is over. */
void jig_editline_go_on(struct jig_editline *edit);

/* Ctrl-C: drops what was typed, and begins again below, behind another prompt. */
void jig_editline_interrupt(struct jig_editline *edit, const char *prompt);

/* The line, or what stands before the cursor when Tab was pressed; until the next call. */
const char *jig_editline_text(const struct jig_editline *edit, size_t *n);

/* Puts text in at the cursor. It must be valid in the terminal's encoding. */
void jig_editline_insert(struct jig_editline *edit, const char *text);

/* Shows text above the line that is being edited, which is drawn anew below it. */
void jig_editline_print(struct jig_editline *edit, const char *text, size_t n);

/* What Up goes back to. */
void jig_editline_remember(struct jig_editline *edit, const char *line);

#endif
