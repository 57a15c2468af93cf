/*
 * The fault switches of factory_tool. Grammar of SIM_TOOL_FAULT:
 *
 *   faults  = fault *( "," fault )
 *   fault   = command ":" name [ "=" value ] [ "@after" ] [ "#" count ]
 *   command = "new_device" / "get_device_configuration" / "handle_device_response"
 *           / "report_error" / "any"
 *
 * "@after": once the service has done its part, instead of before it sees the call. "#3": only the
 * first three times, counted in SIM_DIR. A name or value that is unknown, or that means nothing for
 * its command, is an error: a switch that does nothing would prove nothing. (With "any" a fault
 * simply passes over the commands that it does not fit.)
 */
#ifndef SIM_MISBEHAVE_H
#define SIM_MISBEHAVE_H

#include "bytes.h"
#include "service.h"

enum misbehave_limits { MISBEHAVE_MAX = 16 };

struct misbehaviour {
    int kind; /* index into the table of names */
    bool after;
    const char *value; /* NULL: none; borrowed */
};

/* The faults of one call. */
struct misbehave {
    struct misbehaviour list[MISBEHAVE_MAX];
    size_t count;
    bool spoils_answer; /* what is printed does not hold the documented answer */
};

/*
 * Picks what applies to `command` out of `text`, which is changed and must live on. `dir` is
 * SIM_DIR. Returns 0, or -1 with a static string in *why.
 */
int misbehave_parse(struct misbehave *m, int dir, char *text, const char *command,
                    const char **why);

/*
 * Does what is due before (after = false) or after the service saw the call: delays, hangs, dies.
 * Returns -1, or the exit status with which the tool refuses; it has then printed an error text.
 */
int misbehave_act(const struct misbehave *m, bool after);

/* Prints the answer, spoiled as asked, to stdout. Returns 0 or -1 with errno. */
int misbehave_print(const struct misbehave *m, const struct service_answer *answer);

#endif
