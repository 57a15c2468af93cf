/* See player.h. A played program is one timer: the time at which it ends, by itself or by a KILL
 * that is due, whichever is sooner. */
#include "core/player.h"

#include <signal.h>
#include <stdlib.h>

struct stage {
    struct jig_player player;
    struct jig_played *first;
    size_t count;
};

struct jig_played {
    struct jig_loop *loop;
    struct jig_played *next, **link;
    struct jig_timer end;
    struct jig_deferred at_once; /* in place of a timer for which there is no memory */
    int status;
    bool deaf, stopping;
    jig_child_fn *fn;
    void *data;
};

static const char stage_key;

static struct stage *stage_of(struct jig_loop *loop)
{
    return jig_loop_local(loop, &stage_key, sizeof(struct stage));
}

int jig_player_set(struct jig_loop *loop, const struct jig_player *player)
{
    struct stage *stage = stage_of(loop);
    if (!stage)
        return JIG_ENOMEM;
    stage->player = player ? *player : (struct jig_player){0};
    return JIG_OK;
}

int jig_player_ask(struct jig_loop *loop, const struct jig_proc_options *options,
                   struct jig_play *play, struct jig_error *err)
{
    const struct stage *stage = stage_of(loop);
    *play = (struct jig_play){0};
    if (!stage || !stage->player.start)
        return 0;
    return stage->player.start(stage->player.data, options, play, err);
}

static void ended(struct jig_played *played)
{
    jig_timer_stop(played->loop, &played->end);
    jig_defer_cancel(played->loop, &played->at_once);
    *played->link = played->next;
    if (played->next)
        played->next->link = played->link;
    stage_of(played->loop)->count--;
    played->fn(played->data, played->status);
    free(played);
}

static void end_comes(struct jig_timer *timer)
{
    ended(timer->data);
}

static void end_is_there(struct jig_deferred *deferred)
{
    ended(deferred->data);
}

/* It ends then, with this status, unless it ends sooner. */
static void end_by(struct jig_played *played, int64_t when, int status)
{
    if (played->end.place && played->end.deadline <= when)
        return;
    played->status = status;
    if (jig_timer_start(played->loop, &played->end, when) < 0)
        jig_defer(played->loop, &played->at_once);
}

struct jig_played *jig_played_start(struct jig_loop *loop, const struct jig_play *play,
                                    jig_child_fn *fn, void *data, struct jig_error *err)
{
    struct stage *stage = stage_of(loop);
    struct jig_played *played = stage ? calloc(1, sizeof *played) : NULL;
    int64_t now = jig_loop_now(loop);
    if (!played) {
        jig_fail(err, JIG_ENOMEM, "no memory to play a program");
        return NULL;
    }
    *played = (struct jig_played){
        .loop = loop, .deaf = play->deaf, .fn = fn, .data = data, .status = play->status};
    played->end = (struct jig_timer){.fire = end_comes, .data = played};
    played->at_once = (struct jig_deferred){.run = end_is_there, .data = played};
    played->link = &stage->first;
    played->next = stage->first;
    if (played->next)
        played->next->link = &played->next;
    stage->first = played;
    stage->count++;
    end_by(played, play->after < JIG_FOREVER - now ? now + play->after : JIG_FOREVER, play->status);
    return played;
}

void jig_played_signal(struct jig_played *played, int signum)
{
    if (signum == SIGKILL || (signum != 0 && !played->deaf))
        end_by(played, jig_loop_now(played->loop), signum);
}

void jig_played_stop(struct jig_played *played, int64_t grace)
{
    int64_t now = jig_loop_now(played->loop);
    if (!played->stopping)
        jig_played_signal(played, SIGTERM);
    played->stopping = true;
    end_by(played, grace < JIG_FOREVER - now ? now + grace : JIG_FOREVER, SIGKILL);
}

size_t jig_played_count(struct jig_loop *loop)
{
    const struct stage *stage = stage_of(loop);
    return stage ? stage->count : 0;
}

void jig_played_kill(struct jig_loop *loop)
{
    const struct stage *stage = stage_of(loop);
    for (struct jig_played *played = stage ? stage->first : NULL; played; played = played->next)
        jig_played_signal(played, SIGKILL);
}
