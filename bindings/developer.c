/* See developer.h. */
#include "bindings/developer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/guard.h"

/* A station file is no larger where it matters: core/guard.h. */
static bool says_trust(const char *path)
{
    static const char word[] = "trust";
    FILE *file = fopen(path, "re");
    char *text = file ? malloc(JIG_GUARD_CAP) : NULL;
    size_t n = text ? fread(text, 1, JIG_GUARD_CAP, file) : 0;
    bool found = n && memmem(text, n, word, sizeof word - 1);
    free(text);
    if (file)
        fclose(file);
    return found;
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
        if (path && says_trust(path)) {
            fprintf(stderr,
                    "jig: JIG_PATH is set, and %s says trust: the scripts of the program alone "
                    "are run there\n",
                    path);
            return true;
        }
    }
    return false;
}
