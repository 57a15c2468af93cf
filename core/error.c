/* Turns failures into codes and sentences; the one place that maps errno to `enum jig_err`. */
#include "core/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
    [-JIG_OK] = "ok",
    [-JIG_AGAIN] = "again",
    [-JIG_EMISUSE] = "misuse",
    [-JIG_EINVALID] = "invalid",
    [-JIG_ESYSTEM] = "system",
    [-JIG_ENOMEM] = "memory",
    [-JIG_EUNSUPPORTED] = "unsupported",
    [-JIG_ETIMEOUT] = "timeout",
    [-JIG_ECLOSED] = "closed",
    [-JIG_ECANCELLED] = "interrupted",
    [-JIG_ELOST] = "lost",
    [-JIG_ENOTFOUND] = "not_found",
    [-JIG_EBUSY] = "busy",
    [-JIG_EDENIED] = "denied",
    [-JIG_ELIMIT] = "limit",
    [-JIG_EREFUSED] = "refused",
    [-JIG_EKILLED] = "killed",
    [-JIG_EDUPLICATE] = "duplicate",
    [-JIG_ERECORD] = "record",
    [-JIG_ETOKEN] = "token",
    [-JIG_ENOTOKEN] = "token_missing",
    [-JIG_ETOKENBUSY] = "token_busy",
    [-JIG_EPIN] = "pin",
};

const char *jig_err_name(enum jig_err code)
{
    unsigned index = (unsigned)-(int)code;
    return index < sizeof names / sizeof *names ? names[index] : "unknown";
}

enum jig_err jig_err_of(const char *name)
{
    int last = (int)(sizeof names / sizeof *names) - 1;
    for (int i = -JIG_EMISUSE; i <= last; i++)
        if (strcmp(names[i], name) == 0)
            return (enum jig_err) - i;
    return JIG_OK;
}

int jig_fail(struct jig_error *err, enum jig_err code, const char *format, ...)
{
    if (err) {
        va_list args;
        err->code = code;
        err->sys = 0;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return code;
}

static enum jig_err code_of(int sys)
{
    switch (sys) {
    case EAGAIN:
        return JIG_AGAIN;
    case ENOMEM:
        return JIG_ENOMEM;
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ENOTDIR:
        return JIG_ENOTFOUND;
    case EACCES:
    case EPERM:
    case ENOEXEC:
        return JIG_EDENIED;
    case EBUSY:
        return JIG_EBUSY;
    case EPIPE:
    case EIO:
    case ECONNRESET:
    case ENOTCONN:
        return JIG_ELOST;
    case ECONNREFUSED:
        return JIG_EREFUSED;
    case ETIMEDOUT:
        return JIG_ETIMEOUT;
    case E2BIG:
        return JIG_ELIMIT;
    default:
        return JIG_ESYSTEM;
    }
}

int jig_fail_sys(struct jig_error *err, int sys, const char *format, ...)
{
    enum jig_err code = code_of(sys);
    if (err) {
        char what[JIG_ERROR_TEXT - 64];
        va_list args;
        va_start(args, format);
        vsnprintf(what, sizeof what, format, args);
        va_end(args);
        err->code = code;
        err->sys = sys;
        snprintf(err->text, sizeof err->text, "%s: %s", what, strerror(sys));
    }
    return code;
}
