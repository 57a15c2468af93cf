/* See developer.h. */
#include "bindings/developer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/beneath.h"
#include "core/guard.h"

static bool holds(const char *text, size_t n, const char *word)
{
    return memmem(text, n, word, strlen(word)) != NULL;
}

static bool refuse(const char *path, const char *why)
{
    fprintf(stderr,
            "jig: JIG_PATH is set, and %s %s: the scripts of the program alone are run there\n",
            path, why);
    return true;
}

/* One that is not there is left to the scripts, which say so. */
static bool refuse_unseen(const struct jig_error *err)
{
    if (err->code == JIG_ENOTFOUND)
        return false;
    fprintf(stderr, "jig: JIG_PATH is set, and whether the station says trust cannot be seen: %s\n",
            err->text);
    return true;
}

/* A station file is no larger where it matters: core/guard.h. */
static bool is_refused(const char *path)
{
    struct jig_error err = {.code = JIG_ENOMEM, .text = "no memory to read it"};
    char *text = malloc(JIG_GUARD_CAP + 1);
    ssize_t n = text ? jig_beneath_read(NULL, path, text, JIG_GUARD_CAP + 1, &err) : JIG_ENOMEM;
    bool refused = false;
    if (n < 0)
        refused = refuse_unseen(&err);
    else if (holds(text, (size_t)n, "trust"))
        refused = refuse(path, "says trust");
    else if (holds(text, (size_t)n, "require"))
        refused = refuse(path, "requires other files, which may say trust");
    free(text);
    return refused;
}

/* What may be a station's path behind a flag that may be --station: it can be shortened. */
static const char *value_of(const char *word, const char *next)
{
    static const char flag[] = "--station";
    size_t n = strcspn(word, "=");
    if (n < 3 || n >= sizeof flag || strncmp(word, flag, n) != 0)
        return NULL;
    return word[n] == '=' ? word + n + 1 : next;
}

bool jigL_developer_refused(int argc, char **argv)
{
    if (!getenv("JIG_PATH"))
        return false;
    for (char **word = argc > 0 ? argv + 1 : argv; *word; word++) {
        const char *path = value_of(word[0], word[1]);
        if (path && is_refused(path))
            return true;
    }
    return false;
}
