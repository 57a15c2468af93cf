/*
 * The fault switches of the device: --fault NAME[=VALUE][@STAGE][#COUNT], as often as wanted.
 *
 * STAGE: boot, init, provision, mode, lock, unknown (a message that the firmware does not know) or
 * any (every message; not boot). COUNT: only the first so many times, over all units.
 */
#ifndef SIM_TROUBLE_H
#define SIM_TROUBLE_H

#include "bytes.h"
#include "firmware.h"

enum trouble_kind {
    /* an answer with a failure instead of doing the work */
    TROUBLE_NO_KEY_PAIR,
    TROUBLE_UNKNOWN_FACTORY,
    TROUBLE_NO_MEMORY,
    TROUBLE_CANNOT_DECRYPT,
    TROUBLE_UNKNOWN_COMMAND,
    TROUBLE_CANNOT_PARSE,
    TROUBLE_STATUS,
    /* the wire */
    TROUBLE_SILENCE,
    TROUBLE_GONE,
    TROUBLE_GONE_MID_REPLY,
    TROUBLE_GONE_MID_REQUEST,
    TROUBLE_JUNK,
    TROUBLE_CRC,
    TROUBLE_SHORT,
    TROUBLE_LATE,
    TROUBLE_JUNK_BEFORE,
    TROUBLE_DUPLICATE,
    TROUBLE_NO_BANNER,
    TROUBLE_SPLIT,
    TROUBLE_COUNT,
};

enum trouble_limits { TROUBLE_MAX = 16 };

struct trouble {
    enum trouble_kind kind;
    int stage; /* enum stage, or -1: any message */
    bool counted;
    unsigned long left;
    unsigned long value;
};

struct troubles {
    struct trouble list[TROUBLE_MAX];
    size_t count;
};

/* Adds one switch; the text is changed. Returns NULL, or what is wrong with it (also: when the wire
 * cannot show the fault). */
const char *troubles_add(struct troubles *t, char *text, enum wire_kind wire);
/* Whether the fault strikes now; counts it. NULL: no. */
const struct trouble *troubles_strike(struct troubles *t, enum trouble_kind kind, enum stage stage);
/* The failure that a switch asks for, as status number. Returns false when none does. */
bool troubles_status(struct troubles *t, enum stage stage, enum wire_kind wire, uint32_t *status);

#endif
