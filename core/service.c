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
        .gate = 600,
        .token = {.width = 1},
        .grace = 2,
        .stop = 10,
        .hurry = 3,
        .report_unclear = true,
        .report_again = true,
    };
}

/* ---- copying: measured first, then laid out: pointers, then integers, then strings ---- */

struct room {
    size_t pointers, integers, text; /* how much is needed */
    const char **pointer;            /* where the next of each goes */
    int *integer;
    char *string;
};

/* Each of these measures while there is no place yet, and copies when there is. */
static void put_string(struct room *room, const char **string)
{
    size_t n = *string ? strlen(*string) + 1 : 0;
    room->text += n;
    if (!room->string || !n)
        return;
    *string = memcpy(room->string, *string, n);
    room->string += n;
}

static void put_list(struct room *room, const char *const **list)
{
    const char *const *from = *list;
    size_t n = 0;
    if (!from)
        return;
    if (room->pointer)
        *list = room->pointer;
    do {
        const char *string = from[n];
        put_string(room, &string);
        if (room->pointer)
            *room->pointer++ = string;
    } while (from[n++]);
    room->pointers += n;
}

static void put_integers(struct room *room, const int **list, size_t n)
{
    room->integers += n;
    if (!room->integer || !n)
        return;
    *list = memcpy(room->integer, *list, n * sizeof **list);
    room->integer += n;
}

static void put_trouble(struct room *room, struct jig_token_trouble *trouble)
{
    put_integers(room, &trouble->statuses, trouble->n_statuses);
    put_list(room, &trouble->patterns);
}

static void put_service(struct room *room, struct jig_service *service)
{
    put_list(room, &service->cli.arguments);
    put_list(room, &service->env);
    put_integers(room, &service->accepted, service->n_accepted);
    put_trouble(room, &service->token.missing);
    put_trouble(room, &service->token.busy);
    put_trouble(room, &service->token.pin);
    put_string(room, &service->cli.program);
    put_string(room, &service->cwd);
    put_string(room, &service->token.name);
    put_string(room, &service->token.folder);
    put_string(room, &service->token.handover.variable);
    put_string(room, &service->token.handover.prompt);
}

struct jig_service *jig_service_share(const struct jig_service *service)
{
    struct jig_service copy = *service;
    struct room room = {0};
    put_service(&room, &copy);
    size_t size = room.pointers * sizeof(char *) + room.integers * sizeof(int) + room.text;
    struct shared *shared = malloc(sizeof *shared + size);
    if (!shared)
        return NULL;
    shared->holders = 1;
    shared->service = *service;
    room.pointer = (const char **)shared->rest;
    room.integer = (int *)(room.pointer + room.pointers);
    room.string = (char *)(room.integer + room.integers);
    put_service(&room, &shared->service);
    if (service->token.handover.secret)
        jig_secret_hold(service->token.handover.secret);
    return &shared->service;
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
    if (!shared || --shared_of(shared)->holders > 0)
        return;
    jig_secret_drop(shared->token.handover.secret);
    free(shared_of(shared));
}
