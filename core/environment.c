/* See environment.h. */
#include "core/environment.h"

#include <stdbool.h>
#include <string.h>

extern char **environ;

static const char *const names[JIG_ENVIRONMENT_MAX] = {
    "PATH",        "HOME",       "USER",       "LOGNAME",  "LANG",
    "LANGUAGE",    "LC_ALL",     "LC_COLLATE", "LC_CTYPE", "LC_MESSAGES",
    "LC_MONETARY", "LC_NUMERIC", "LC_TIME",    "TZ",       "TMPDIR",
};

/* Its first byte tells most of them apart: this is asked some hundred times for each child. */
static bool has_name(const char *entry, const char *name)
{
    if (entry[0] != name[0])
        return false;
    size_t n = strlen(name);
    return !strncmp(entry, name, n) && entry[n] == '=';
}

/* The first entry of that name, as getenv sees it; a second one is nobody's. NULL = none. */
static const char *find_entry(const char *name)
{
    for (char **entry = environ; entry && *entry; entry++)
        if (has_name(*entry, name))
            return *entry;
    return NULL;
}

size_t jig_environment(const char *list[JIG_ENVIRONMENT_MAX + 1])
{
    size_t n = 0;
    for (size_t i = 0; i < JIG_ENVIRONMENT_MAX; i++)
        if ((list[n] = find_entry(names[i])))
            n++;
    list[n] = NULL;
    return n;
}
