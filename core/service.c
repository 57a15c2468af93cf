/* See service.h. A shared service is one block: the count, the struct, then all that it points to.
 */
#include "core/service.h"

#include <stdlib.h>
#include <string.h>

struct shared {
    size_t holders;
    struct jig_service service;
    max_align_t rest[];
};

static const int accept_zero[] = {0};

void jig_service_init(struct jig_service *service, const char *program)
{
    *service = (struct jig_service){
        .cli = {.program = program},
        .accepted = accept_zero,
        .n_accepted = 1,
        .limit = {60, 60, 60, 60},
        .grace = 2,
        .stop = 10,
        .hurry = 3,
        .report_unclear = true,
        .report_again = true,
    };
}

/* ---- copying: measured first, then laid out from `at` ---- */

static size_t list_size(const char *const *list)
{
    size_t size = 0;
    if (!list)
        return 0;
    for (; *list; list++)
        size += sizeof(char *) + strlen(*list) + 1;
    return size + sizeof(char *);
}

static const char *put_string(char **text, const char *string)
{
    char *copy = *text;
    if (!string)
        return NULL;
    *text = stpcpy(copy, string) + 1;
    return copy;
}

/* Pointers are taken from *place, strings from *text. */
static const char *const *put_list(const char ***place, char **text, const char *const *list)
{
    const char **copy = *place;
    if (!list)
        return NULL;
    for (; *list; list++)
        *(*place)++ = put_string(text, *list);
    *(*place)++ = NULL;
    return copy;
}

static size_t list_length(const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    return list ? n + 1 : 0;
}

struct jig_service *jig_service_share(const struct jig_service *service)
{
    size_t numbers = service->n_accepted * sizeof(int);
    size_t pointers =
        (list_length(service->cli.arguments) + list_length(service->env)) * sizeof(char *);
    size_t size = list_size(service->cli.arguments) + list_size(service->env) + numbers +
                  strlen(service->cli.program) + 1 + (service->cwd ? strlen(service->cwd) + 1 : 0);
    struct shared *shared = malloc(sizeof *shared + size);
    if (!shared)
        return NULL;
    const char **place = (const char **)shared->rest;
    int *accepted = (int *)((char *)shared->rest + pointers);
    char *text = (char *)accepted + numbers;
    shared->holders = 1;
    shared->service = *service;
    struct jig_service *copy = &shared->service;
    copy->cli.arguments = put_list(&place, &text, service->cli.arguments);
    copy->env = put_list(&place, &text, service->env);
    copy->cli.program = put_string(&text, service->cli.program);
    copy->cwd = put_string(&text, service->cwd);
    if (numbers)
        memcpy(accepted, service->accepted, numbers);
    copy->accepted = accepted;
    return copy;
}

static struct shared *shared_of(struct jig_service *service)
{
    return (struct shared *)((char *)service - offsetof(struct shared, service));
}

struct jig_service *jig_service_hold(struct jig_service *shared)
{
    shared_of(shared)->holders++;
    return shared;
}

void jig_service_drop(struct jig_service *shared)
{
    if (shared && --shared_of(shared)->holders == 0)
        free(shared_of(shared));
}
