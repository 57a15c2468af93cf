/* What a call of the vendor's CLI came to, read from how it ended and what it printed. */
#ifndef JIG_CORE_JUDGE_H
#define JIG_CORE_JUDGE_H

#include <stdbool.h>

#include "core/factory_cli.h"
#include "core/proc.h"
#include "core/session.h"

/* Which call it was. `cut`: an interrupt brought its limit forward. */
struct jig_judged_call {
    const struct jig_service *service;
    const char *session;
    enum jig_factory_command command;
    bool cut;
};

/* Fills rc, exit_status and err of `result`, whose `took` is set, and the answer that it points to.
 * The PIN that the service hands over is hidden where a message shows what the CLI printed. */
void jig_judge(const struct jig_judged_call *call, const struct jig_proc_result *r,
               struct jig_session_result *result);

/* Whether a call that ran ended with a status that is not accepted, for whatever reason. */
bool jig_judge_refused(int rc);

/* Whether a new_device that failed like that may have opened a session, as the service's settings
 * tell: see session.h. */
bool jig_judge_may_have_opened(const struct jig_service *service,
                               const struct jig_session_result *result,
                               const struct jig_proc_result *r);

#endif
