/* Reads and counts the device's fault switches. */
#include "trouble.h"

#include <string.h>

enum { ANY = -1, VALUE_MAX = 0x7FFFFFFF };

static const struct {
    const char *name;
    int stage; /* where it strikes when none is given */
    bool has_value;
    enum failure failure; /* what it answers, or FAILURE_NONE */
} KINDS[TROUBLE_COUNT] = {
    [TROUBLE_NO_KEY_PAIR] = {"no-key-pair", STAGE_INIT, false, FAILURE_KEYGEN},
    [TROUBLE_UNKNOWN_FACTORY] = {"unknown-factory", STAGE_INIT, false, FAILURE_UNKNOWN_FACTORY},
    [TROUBLE_NO_MEMORY] = {"no-memory", STAGE_PROVISION, false, FAILURE_NO_MEMORY},
    [TROUBLE_CANNOT_DECRYPT] = {"cannot-decrypt", STAGE_PROVISION, false, FAILURE_CANNOT_DECRYPT},
    [TROUBLE_UNKNOWN_COMMAND] = {"unknown-command", ANY, false, FAILURE_UNKNOWN_COMMAND},
    [TROUBLE_CANNOT_PARSE] = {"cannot-parse", ANY, false, FAILURE_CANNOT_PARSE},
    [TROUBLE_STATUS] = {"status", ANY, true, FAILURE_NONE},
    [TROUBLE_SILENCE] = {"silence", ANY, false, FAILURE_NONE},
    [TROUBLE_GONE] = {"gone", ANY, false, FAILURE_NONE},
    [TROUBLE_GONE_MID_REPLY] = {"gone-mid-reply", ANY, false, FAILURE_NONE},
    [TROUBLE_GONE_MID_REQUEST] = {"gone-mid-request", ANY, false, FAILURE_NONE},
    [TROUBLE_JUNK] = {"junk", ANY, false, FAILURE_NONE},
    [TROUBLE_CRC] = {"crc", ANY, false, FAILURE_NONE},
    [TROUBLE_SHORT] = {"short", ANY, false, FAILURE_NONE},
    [TROUBLE_LATE] = {"late", ANY, true, FAILURE_NONE},
    [TROUBLE_JUNK_BEFORE] = {"junk-before", ANY, false, FAILURE_NONE},
    [TROUBLE_DUPLICATE] = {"duplicate", ANY, false, FAILURE_NONE},
    [TROUBLE_NO_BANNER] = {"no-banner", STAGE_BOOT, false, FAILURE_NONE},
    [TROUBLE_SPLIT] = {"split", ANY, false, FAILURE_NONE},
};

static char *cut(char *text, char mark)
{
    char *at = strrchr(text, mark);
    if (at == NULL) {
        return NULL;
    }
    *at = 0;
    return at + 1;
}

static int parse_stage(const char *text, int *out)
{
    if (strcmp(text, "any") == 0) {
        *out = ANY;
        return 0;
    }
    for (int i = 0; i < STAGE_COUNT; i++) {
        if (strcmp(text, firmware_stage_name((enum stage)i)) == 0) {
            *out = i;
            return 0;
        }
    }
    return -1;
}

static bool is_status(enum trouble_kind kind)
{
    return kind <= TROUBLE_STATUS;
}

/* NULL, or why the fault would prove nothing. */
static const char *misfit(const struct trouble *t, enum wire_kind wire)
{
    if (t->kind == TROUBLE_CRC && (!wire_has_check(wire) || t->stage == STAGE_BOOT)) {
        return "there is no check to spoil on this wire or at this stage";
    }
    if (is_status(t->kind) && (wire == WIRE_RAW || t->stage == STAGE_BOOT)) {
        return "there is no status on this wire or at this stage";
    }
    bool has_byte = wire == WIRE_LENGTH || wire == WIRE_SLIP || wire == WIRE_HDLC;
    if (t->kind == TROUBLE_STATUS && has_byte && t->value > 0xFF) {
        return "a status on this wire is one byte";
    }
    if (t->kind == TROUBLE_NO_BANNER && t->stage != STAGE_BOOT) {
        return "the banner comes at boot";
    }
    return NULL;
}

const char *troubles_add(struct troubles *t, char *text, enum wire_kind wire)
{
    if (t->count == TROUBLE_MAX) {
        return "too many faults";
    }
    struct trouble *one = &t->list[t->count];
    *one = (struct trouble){0};
    char *count = cut(text, '#');
    char *stage = cut(text, '@');
    char *value = cut(text, '=');
    unsigned kind = 0;
    while (kind < TROUBLE_COUNT && strcmp(KINDS[kind].name, text) != 0) {
        kind++;
    }
    if (kind == TROUBLE_COUNT) {
        return "unknown fault";
    }
    one->kind = (enum trouble_kind)kind;
    one->stage = KINDS[kind].stage;
    one->counted = count != NULL;
    if ((count != NULL && sim_number(count, VALUE_MAX, &one->left) < 0) ||
        (stage != NULL && parse_stage(stage, &one->stage) < 0)) {
        return "a fault is NAME[=VALUE][@STAGE][#COUNT]";
    }
    if (KINDS[kind].has_value != (value != NULL) ||
        (value != NULL && sim_number(value, VALUE_MAX, &one->value) < 0)) {
        return KINDS[kind].has_value ? "the fault needs a number" : "the fault takes no value";
    }
    const char *why = misfit(one, wire);
    if (why == NULL) {
        t->count++;
    }
    return why;
}

const struct trouble *troubles_strike(struct troubles *t, enum trouble_kind kind, enum stage stage)
{
    for (size_t i = 0; i < t->count; i++) {
        struct trouble *one = &t->list[i];
        bool here = one->stage == ANY ? stage != STAGE_BOOT : one->stage == (int)stage;
        if (one->kind != kind || !here || (one->counted && one->left == 0)) {
            continue;
        }
        if (one->counted) {
            one->left--;
        }
        return one;
    }
    return NULL;
}

bool troubles_status(struct troubles *t, enum stage stage, enum wire_kind wire, uint32_t *status)
{
    for (unsigned kind = 0; is_status((enum trouble_kind)kind); kind++) {
        const struct trouble *one = troubles_strike(t, (enum trouble_kind)kind, stage);
        if (one != NULL) {
            *status = one->kind == TROUBLE_STATUS ? (uint32_t)one->value
                                                  : firmware_status(wire, KINDS[kind].failure);
            return true;
        }
    }
    return false;
}
