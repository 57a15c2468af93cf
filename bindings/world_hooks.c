/* See world.h. What is played, and what the hooks answer.
 *
 * Whoever asks is deep inside the loop or a slot's code, whose frames an error must not jump over:
 * all that may raise, the passing of values too, happens in one protected call on the caller's
 * thread. What a hook throws is kept, and ends the world.
 */
#include "bindings/world.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "bindings/slot.h"
#include "core/factory_cli.h"
#include "core/player.h"
#include "core/proc.h"

enum { ROOM = 16, MAX_ERROR = 200 }; /* stack; of a message that fits into a struct jig_error */

const char *const jigL_hook_names[] = {"start", "open",   "present", "write", "set",   "control",
                                       "close", "record", "wait",    "log",   "event", NULL};

/* ---- calling ---- */

static void keep_failure(lua_State *L, struct jig_world *world)
{
    jigL_world_push(L, world); // thrown world
    if (!world->failed && !lua_isnil(L, -1)) {
        lua_pushvalue(L, -2);
        lua_setiuservalue(L, -2, JIG_WORLD_FAILURE);
        world->failed = true;
    }
    lua_pop(L, 2);
    jigL_world_die(world);
}

void jigL_world_call(struct jig_world *world, lua_CFunction function, void *data)
{
    struct jig_engine *engine = &world->engine;
    lua_State *L = engine->caller, *before = world->from;
    if (!L || !lua_checkstack(L, ROOM))
        return;
    lua_State *running = jigL_budget_pause(engine);
    if (running)
        world->from = running;
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, data);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK)
        keep_failure(L, world);
    world->from = before;
    jigL_budget_leave(engine, running);
}

/* One question to a hook: `push` pushes what it is told and gives their number, `take` reads its
 * answer, `results` values from index `first` on. */
struct question {
    struct jig_world *world;
    enum jig_hook hook;
    int (*push)(lua_State *L, void *what);
    void (*take)(lua_State *L, int first, int results, void *what);
    void *what;
};

static int ask_protected(lua_State *L)
{
    const struct question *question = lua_touserdata(L, 1);
    jigL_world_push(L, question->world);
    lua_getiuservalue(L, -1, JIG_WORLD_HOOKS);
    lua_getfield(L, -1, jigL_hook_names[question->hook]);
    int first = lua_gettop(L);
    lua_call(L, question->push(L, question->what), LUA_MULTRET);
    if (question->take)
        question->take(L, first, lua_gettop(L) - first + 1, question->what);
    return 0;
}

/* Does nothing where there is no such hook. */
static void ask(const struct question *question)
{
    struct jig_world *world = question->world;
    if (world->has[question->hook] && (!world->dead || question->hook == JIG_HOOK_LOG))
        jigL_world_call(world, ask_protected, (void *)question);
}

/* The same, about a session. What happens to it in the name of no slot now happens to who worked on
 * it before. */
static void ask_about(const struct question *question, const char *session)
{
    struct jig_world *world = question->world;
    if (world->engine.current)
        jigL_slots_note(&world->engine, session);
    else
        world->cause = jigL_slots_worker(&world->engine, session);
    ask(question);
    world->cause = NULL;
}

static int fail_dead(struct jig_error *err)
{
    return jig_fail(err, JIG_ELOST, "the world has ended");
}

/* ---- answers ---- */

/* A hook says nil, message, code. */
static int take_failure(lua_State *L, int first, int results, enum jig_err code,
                        struct jig_error *err)
{
    const char *text = results > 1 ? luaL_checkstring(L, first + 1) : "refused";
    const char *word =
        results > 2 && !lua_isnil(L, first + 2) ? luaL_checkstring(L, first + 2) : NULL;
    if (word && (code = jig_err_of(word)) == JIG_OK)
        luaL_error(L, "no failure has the code '%s'", word);
    return jig_fail(err, code, "%s", text);
}

static bool is_word(lua_State *L, int index, const char *word)
{
    return lua_type(L, index) == LUA_TSTRING && strcmp(lua_tostring(L, index), word) == 0;
}

static int reject(lua_State *L, enum jig_hook hook, int index)
{
    return luaL_error(L, "the hook '%s' gave %s", jigL_hook_names[hook],
                      luaL_tolstring(L, index, NULL));
}

/* ---- ports ---- */

struct about_port {
    const char *name;
    const void *bytes;
    size_t n;
    const struct jig_setting *setting;
    const struct jig_control *control;
    unsigned number;
    struct jig_port_about *about;
    int rc;
    struct jig_error err;
};

static int push_open(lua_State *L, void *what)
{
    lua_pushstring(L, ((struct about_port *)what)->name);
    return 1;
}

/* Behind true: the device's serial number. */
static void take_serial(lua_State *L, int index, struct jig_port_about *about)
{
    size_t n;
    const char *serial = luaL_checklstring(L, index, &n);
    if (n >= sizeof about->serial || strlen(serial) != n)
        luaL_error(L, "a serial number has %d bytes at most", JIG_SERIAL_CAP - 1);
    memcpy(about->serial, serial, n + 1);
}

static void take_open(lua_State *L, int first, int results, void *what)
{
    struct about_port *about = what;
    if (results == 0 || lua_isboolean(L, first))
        about->rc =
            results == 0 || lua_toboolean(L, first) ? JIG_OK : reject(L, JIG_HOOK_OPEN, first);
    else if (is_word(L, first, "later"))
        about->rc = JIG_AGAIN;
    else if (lua_isnil(L, first))
        about->rc = take_failure(L, first, results, JIG_ENOTFOUND, &about->err);
    else
        reject(L, JIG_HOOK_OPEN, first);
    if (about->rc == JIG_OK && results > 1 && !lua_isnil(L, first + 1))
        take_serial(L, first + 1, about->about);
}

/* What the hook said, or that the world has ended meanwhile. */
static int outcome(const struct jig_world *world, const struct about_port *about,
                   struct jig_error *err)
{
    if (world->dead)
        return fail_dead(err);
    if (about->rc < 0 && about->rc != JIG_AGAIN)
        *err = about->err;
    return about->rc;
}

static int play_open(void *data, const char *name, struct jig_port_about *known,
                     struct jig_error *err)
{
    struct jig_world *world = data;
    struct about_port about = {.name = name, .about = known};
    ask(&(struct question){world, JIG_HOOK_OPEN, push_open, take_open, &about});
    return outcome(world, &about, err);
}

static void take_present(lua_State *L, int first, int results, void *what)
{
    struct about_port *about = what;
    if (results > 0)
        about->rc = lua_toboolean(L, first);
}

/* A dead world has no devices. */
static int play_present(void *data, const char *name, struct jig_error *err)
{
    struct jig_world *world = data;
    struct about_port about = {.name = name, .rc = JIG_EUNSUPPORTED};
    ask(&(struct question){world, JIG_HOOK_PRESENT, push_open, take_present, &about});
    if (world->dead)
        return 0;
    if (about.rc < 0)
        return jig_fail(err, JIG_EUNSUPPORTED,
                        "stage: only opening it tells whether a device is there");
    return about.rc;
}

static int push_write(lua_State *L, void *what)
{
    const struct about_port *about = what;
    lua_pushstring(L, about->name);
    lua_pushlstring(L, about->bytes, about->n);
    return 2;
}

static void take_write(lua_State *L, int first, int results, void *what)
{
    struct about_port *about = what;
    if (results == 0)
        return;
    lua_Integer n = lua_tointeger(L, first);
    if (lua_isnil(L, first))
        about->rc = take_failure(L, first, results > 2 ? 2 : results, JIG_ELOST, &about->err);
    else if (!lua_isinteger(L, first) || n < 0 || n > (lua_Integer)about->n)
        reject(L, JIG_HOOK_WRITE, first);
    else
        about->rc = n ? (int)n : JIG_AGAIN;
}

static int play_write(void *data, const char *name, const void *bytes, size_t n,
                      struct jig_error *err)
{
    struct jig_world *world = data;
    struct about_port about = {.name = name, .bytes = bytes, .n = n, .rc = (int)n};
    ask(&(struct question){world, JIG_HOOK_WRITE, push_write, take_write, &about});
    return outcome(world, &about, err);
}

static int push_set(lua_State *L, void *what)
{
    const struct about_port *about = what;
    lua_pushstring(L, about->name);
    lua_pushstring(L, about->setting->name);
    lua_pushinteger(L, about->setting->number);
    return 3;
}

static void take_set(lua_State *L, int first, int results, void *what)
{
    struct about_port *about = what;
    if (results == 0 || lua_toboolean(L, first))
        return;
    about->rc = take_failure(L, first, results, JIG_EUNSUPPORTED, &about->err);
}

static int play_set(void *data, const char *name, const struct jig_setting *setting,
                    struct jig_error *err)
{
    struct jig_world *world = data;
    struct about_port about = {.name = name, .setting = setting};
    ask(&(struct question){world, JIG_HOOK_SET, push_set, take_set, &about});
    return outcome(world, &about, err);
}

static void set_number(lua_State *L, const char *key, lua_Integer number)
{
    lua_pushinteger(L, number);
    lua_setfield(L, -2, key);
}

static int push_control(lua_State *L, void *what)
{
    const struct about_port *about = what;
    const struct jig_control *control = about->control;
    lua_pushstring(L, about->name);
    lua_createtable(L, 0, 6);
    set_number(L, "request_type", control->request_type);
    set_number(L, "request", control->request);
    set_number(L, "value", control->value);
    set_number(L, "index", control->index);
    set_number(L, "length", control->length);
    if (!(control->request_type & 0x80)) {
        lua_pushlstring(L, (const char *)control->data, control->data ? control->length : 0);
        lua_setfield(L, -2, "data");
    }
    lua_pushinteger(L, about->number);
    return 3;
}

static void take_control(lua_State *L, int first, int results, void *what)
{
    struct about_port *about = what;
    if (results == 0)
        return;
    if (lua_toboolean(L, first))
        about->rc = JIG_AGAIN;
    else
        about->rc = take_failure(L, first, results, JIG_EREFUSED, &about->err);
}

static int play_control(void *data, const char *name, const struct jig_control *control,
                        unsigned number, struct jig_error *err)
{
    struct jig_world *world = data;
    struct about_port about = {.name = name, .control = control, .number = number};
    about.rc = jig_fail(&about.err, JIG_EUNSUPPORTED, "the device has no control requests");
    ask(&(struct question){world, JIG_HOOK_CONTROL, push_control, take_control, &about});
    return outcome(world, &about, err);
}

static void play_close(void *data, const char *name)
{
    struct about_port about = {.name = name};
    ask(&(struct question){data, JIG_HOOK_CLOSE, push_open, NULL, &about});
}

/* ---- programs ---- */

struct about_program {
    struct jig_world *world;
    const struct jig_proc_options *options;
    struct jig_play *play;
    int rc;
    struct jig_error err;
};

static int push_start(lua_State *L, void *what)
{
    const struct about_program *about = what;
    const struct jig_proc_options *o = about->options;
    int64_t left = o->deadline - jig_loop_now(about->world->engine.loop);
    lua_newtable(L);
    for (int i = 0; o->argv[i]; i++) {
        lua_pushstring(L, o->argv[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushnumber(L, o->deadline == JIG_FOREVER ? HUGE_VAL : (double)left / JIG_SECOND);
    return 2;
}

static void take_bytes(lua_State *L, int play, const char *key, struct jig_buf *b)
{
    size_t n;
    lua_getfield(L, play, key);
    const char *bytes = luaL_optlstring(L, -1, "", &n);
    if (n && jig_buf_append(b, bytes, n) < 0)
        luaL_error(L, "no memory for what a program prints");
    lua_pop(L, 1);
}

static int take_number(lua_State *L, int play, const char *key, int low, int high, int fallback)
{
    lua_getfield(L, play, key);
    lua_Integer number = luaL_optinteger(L, -1, fallback);
    if (number != fallback && (number < low || number > high))
        luaL_error(L, "a program's '%s' is %d to %d", key, low, high);
    lua_pop(L, 1);
    return (int)number;
}

/* Whether it cannot be started, and why. */
static int take_refusal(lua_State *L, int play, struct about_program *about)
{
    const char *program = about->options->argv[0];
    lua_getfield(L, play, "missing");
    lua_getfield(L, play, "error");
    lua_getfield(L, play, "message");
    int rc = JIG_OK;
    if (lua_toboolean(L, -3)) {
        rc = jig_fail(&about->err, JIG_ENOTFOUND, "cannot start '%s': No such file or directory",
                      program);
    } else if (!lua_isnil(L, -2)) {
        rc = jig_err_of(luaL_checkstring(L, -2));
        if (rc == JIG_OK)
            luaL_error(L, "no failure has the code '%s'", lua_tostring(L, -2));
        jig_fail(&about->err, (enum jig_err)rc, "cannot start '%s': %s", program,
                 luaL_optstring(L, -1, lua_tostring(L, -2)));
    }
    lua_pop(L, 3);
    return rc;
}

static void take_start(lua_State *L, int first, int results, void *what)
{
    static const char *const known[] = {"missing", "error", "message", "after", "exit",
                                        "signal",  "out",   "err",     "deaf",  NULL};
    struct about_program *about = what;
    if (results == 0 || lua_isnil(L, first))
        return;
    jigL_check_keys(L, first, "a program that is played", known);
    about->rc = take_refusal(L, first, about);
    if (about->rc != JIG_OK)
        return;
    lua_getfield(L, first, "after");
    double after = luaL_optnumber(L, -1, 0);
    if (!(after >= 0))
        luaL_error(L, "a program's 'after' is seconds, 0 or more");
    int number = take_number(L, first, "signal", 1, NSIG - 1, 0);
    about->play->after = jig_clock_after(0, after);
    about->play->status = number ? number : W_EXITCODE(take_number(L, first, "exit", 0, 255, 0), 0);
    lua_getfield(L, first, "deaf");
    about->play->deaf = lua_toboolean(L, -1);
    take_bytes(L, first, "out", &about->play->out);
    take_bytes(L, first, "err", &about->play->err);
    about->rc = 1;
}

/* Where the vendor's CLI has it (factory_cli.h): behind the command. Of another program it is some
 * word, or none. */
static const char *session_of(const char *const *argv)
{
    for (size_t i = 0; argv[i] && argv[i + 1]; i++)
        for (int command = 0; command <= JIG_REPORT_ERROR; command++)
            if (strcmp(argv[i], jig_factory_command_name((enum jig_factory_command)command)) == 0)
                return argv[i + 1];
    return "";
}

static int play_start(void *data, const struct jig_proc_options *options, struct jig_play *play,
                      struct jig_error *err)
{
    struct jig_world *world = data;
    struct about_program about = {.world = world, .options = options, .play = play};
    const struct question question = {world, JIG_HOOK_START, push_start, take_start, &about};
    ask_about(&question, session_of(options->argv));
    if (world->dead)
        return fail_dead(err);
    if (about.rc < 0)
        *err = about.err;
    return about.rc;
}

/* ---- waits and lines ---- */

struct about_wait {
    const struct jig_wait *wait;
    const char *what;
    bool limit;
};

static int push_wait(lua_State *L, void *what)
{
    const struct about_wait *about = what;
    lua_pushstring(L, about->what);
    lua_pushstring(L, about->wait->limit);
    lua_pushnumber(L, about->wait->limit_seconds);
    jigL_push_limits(L, about->wait->task);
    return 4;
}

static void take_wait(lua_State *L, int first, int results, void *what)
{
    if (results == 0 || lua_isnil(L, first))
        return;
    if (!is_word(L, first, "limit"))
        reject(L, JIG_HOOK_WAIT, first);
    ((struct about_wait *)what)->limit = true;
}

bool jigL_world_waits(struct jig_world *world, lua_State *L, const struct jig_wait *wait,
                      const char *what)
{
    struct about_wait about = {.wait = wait, .what = what};
    struct jig_clock *clock = jig_loop_clock(world->engine.loop);
    if (!world->has[JIG_HOOK_WAIT])
        return false;
    world->from = L;
    ask(&(struct question){world, JIG_HOOK_WAIT, push_wait, take_wait, &about});
    world->from = NULL;
    bool passes = about.limit && !world->dead && wait->state == JIG_WAIT_PENDING;
    if (!passes || !clock->simulated || wait->timer.deadline == JIG_FOREVER)
        return false;
    jig_clock_advance(clock, wait->timer.deadline);
    return true;
}

static int push_line(lua_State *L, void *what)
{
    lua_pushstring(L, what);
    return 1;
}

void jigL_world_log(void *data, enum jig_log_level level, const char *line)
{
    (void)level;
    ask(&(struct question){data, JIG_HOOK_LOG, push_line, NULL, (void *)line});
}

struct about_event {
    lua_State *from;
    int index;
};

static int push_event(lua_State *L, void *what)
{
    const struct about_event *about = what;
    jigL_slot_copy(about->from, about->index, L);
    return 1;
}

bool jigL_world_hears(struct jig_world *world, lua_State *from, int index)
{
    struct about_event about = {from, index};
    if (!world->has[JIG_HOOK_EVENT])
        return false;
    ask(&(struct question){world, JIG_HOOK_EVENT, push_event, NULL, &about});
    return true;
}

int jigL_world_play(struct jig_world *world)
{
    const struct jig_player player = {play_start, world};
    world->stage = (struct jig_stage_player){
        .open = play_open,
        .present = play_present,
        .write = play_write,
        .set = play_set,
        .control = play_control,
        .close = play_close,
        .data = world,
    };
    int rc = jig_player_set(world->engine.loop, &player);
    return rc == JIG_OK ? jig_stage_set(world->engine.loop, &world->stage) : rc;
}

/* ---- the journal ---- */

struct about_entry {
    const struct jig_entry *entry;
    enum jig_ruling ruling;
};

static int push_entry(lua_State *L, void *what)
{
    const struct jig_entry *entry = ((struct about_entry *)what)->entry;
    lua_pushstring(L, jig_event_name(entry->kind));
    lua_pushstring(L, entry->session);
    lua_pushinteger(L, entry->attempt);
    lua_pushstring(L, entry->facts ? entry->facts : "{}");
    return 4;
}

static void take_ruling(lua_State *L, int first, int results, void *what)
{
    struct about_entry *about = what;
    if (results == 0 || lua_isnil(L, first))
        return;
    if (is_word(L, first, "refuse"))
        about->ruling = JIG_RULE_REFUSE;
    else if (is_word(L, first, "die"))
        about->ruling = JIG_RULE_HIDE;
    else
        reject(L, JIG_HOOK_RECORD, first);
}

enum jig_ruling jigL_world_rules(void *data, const struct jig_entry *entry)
{
    struct jig_world *world = data;
    struct about_entry about = {.entry = entry};
    const struct question question = {world, JIG_HOOK_RECORD, push_entry, take_ruling, &about};
    if ((int)entry->kind != JIG_SCRIBE_FOLD)
        ask_about(&question, entry->session);
    if (world->dead)
        return JIG_RULE_LOSE;
    if (about.ruling == JIG_RULE_HIDE)
        jigL_world_die(world);
    return about.ruling;
}
