/* Descriptors that are lent to a child while it becomes its program.
 *
 * A child that is made the usual way copies jig's whole table of descriptors and then closes all
 * but a few: with hundreds of slots, each of which holds some, that is most of what a start costs.
 * A child that shares the table and takes one of its own which ends behind the lent ones copies
 * almost nothing. For that, a few descriptors with low numbers are taken when jig begins; what a
 * child gets is put there, and taken away again when the child is its program. */
#ifndef JIG_CORE_LEND_H
#define JIG_CORE_LEND_H

#include "core/child.h"

enum { JIG_LENT = 3 + JIG_CHILD_KEPT };

struct jig_lender;

/* Takes the descriptors, once for a loop that lasts as long as the program: early, so that their
 * numbers are low. Without it, and where the system cannot do it, children copy the table. */
void jig_lend_prepare(struct jig_loop *loop);

/* Lends what `options` names and puts the lent numbers in their place. NULL: it cannot be done, and
 * nothing has changed. */
struct jig_lender *jig_lend_begin(struct jig_loop *loop, struct jig_child_options *options);

/* In the child, which shares the table: gives it one of its own, without what stands behind the
 * lent ones. 0 or -1 with errno; only safe calls. */
int jig_lend_separate(const struct jig_lender *lender);

/* Takes back what was lent. `failed`: the child could not be separated, so none will be asked to.
 */
void jig_lend_end(struct jig_lender *lender, bool failed);

#endif
