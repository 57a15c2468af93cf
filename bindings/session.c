/* jig.session: the vendor's Secure Factory CLI, law-abiding (core/session.h). */
#include "bindings/jig.h"

#include <math.h>
#include <string.h>

#include "core/dumps.h"
#include "core/seat.h"
#include "core/session.h"

#define SERVICE "jig.service"
#define SESSION "jig.session"

enum {
    ABANDONED_CODE = 902, /* ERROR_CODE of a session that its script left open; fault tool.recipe */
    MAX_ACCEPTED = 64,
};

struct lservice {
    struct jig_service *shared;
    struct jig_gate *gate; /* held, so that it lasts from one session to the next */
};

struct lsession {
    struct jig_session *session; /* NULL = closed */
    struct jig_wait wait;
    int rc;
    bool started;
    int exit_status;
    struct jig_error err;
    struct jig_factory_answer answer;
    char fingerprint[JIG_CLI_FINGERPRINT_CAP + 1]; /* "" = none was read */
    int64_t waited, waited_all; /* ns at the gate, in the latest call and in all */
};

enum { ON_WAIT = 1 }; /* user value of a session */

/* ---- service ---- */

static double seconds_field(lua_State *L, int table, const char *key, double fallback)
{
    int given = lua_getfield(L, table, key) != LUA_TNIL;
    int valid = 1;
    double seconds = given ? lua_tonumberx(L, -1, &valid) : fallback;
    if (!valid || !(seconds >= 0))
        luaL_error(L, "session.service: '%s' must be seconds, 0 or more", key);
    lua_pop(L, 1);
    return seconds;
}

static bool bool_field(lua_State *L, int table, const char *key, bool fallback)
{
    bool value = lua_getfield(L, table, key) == LUA_TNIL ? fallback : lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

/* A pointer array that Lua collects. [-0, +1, m] */
static const char **push_pointers(lua_State *L, size_t n)
{
    return lua_newuserdatauv(L, (n + 1) * sizeof(char *), 0);
}

/* Field `key` of the table as a NULL-terminated list, or NULL. Its strings stay alive in the
 * options. [-0, +1, e] */
static const char *const *read_list(lua_State *L, int from, const char *key)
{
    if (lua_getfield(L, from, key) == LUA_TNIL)
        return NULL;
    luaL_checktype(L, -1, LUA_TTABLE);
    int table = lua_gettop(L);
    size_t n = lua_rawlen(L, table);
    const char **list = push_pointers(L, n);
    for (size_t i = 0; i < n; i++) {
        if (lua_rawgeti(L, table, (lua_Integer)i + 1) != LUA_TSTRING)
            luaL_error(L, "session.service: %s[%d] must be a string", key, (int)i + 1);
        list[i] = lua_tostring(L, -1);
        if (strlen(list[i]) != lua_rawlen(L, -1))
            luaL_error(L, "session.service: %s[%d] holds a NUL", key, (int)i + 1);
        lua_pop(L, 1);
    }
    list[n] = NULL;
    return list;
}

/* options.env laid over the few names of jig's environment, or alone. [-0, +1, e] */
static const char *const *read_env(lua_State *L, bool bare)
{
    if (lua_getfield(L, 1, "env") == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
    }
    return jigL_environment(L, bare ? JIGL_BARE : JIGL_FEW);
}

/* The list of statuses in field `key` of the table, NULL when there is none; it lives as long as
 * the value pushed. [-0, +1, e] */
static const int *read_statuses(lua_State *L, int table, const char *key, size_t *n)
{
    if (lua_getfield(L, table, key) == LUA_TNIL)
        return NULL;
    luaL_checktype(L, -1, LUA_TTABLE);
    *n = lua_rawlen(L, -1);
    if (*n == 0 || *n > MAX_ACCEPTED)
        luaL_error(L, "session.service: %s must list 1 to %d exit statuses", key, MAX_ACCEPTED);
    int *statuses = lua_newuserdatauv(L, *n * sizeof(int), 0);
    lua_insert(L, -2);
    for (size_t i = 0; i < *n; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        statuses[i] = (int)luaL_checkinteger(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return statuses;
}

static void read_accepted(lua_State *L, struct jig_service *service)
{
    size_t n = 0;
    const int *accepted = read_statuses(L, 1, "accept", &n);
    if (!accepted)
        return;
    service->accepted = accepted;
    service->n_accepted = n;
}

static void read_limits(lua_State *L, struct jig_service *service)
{
    static const char *const known[] = {
        "new_device", "get_device_configuration", "handle_device_response", "report_error", "gate",
        NULL};
    if (lua_getfield(L, 1, "limits") != LUA_TNIL) {
        int table = lua_gettop(L);
        jigL_check_keys(L, table, "session.service limits", known);
        for (int i = 0; i < 4; i++)
            service->limit[i] = seconds_field(L, table, known[i], service->limit[i]);
        service->gate = seconds_field(L, table, "gate", service->gate);
    }
    lua_pop(L, 1);
}

static void read_report(lua_State *L, struct jig_service *service)
{
    static const char *const known[] = {"refused", "unclear", "again", NULL};
    if (lua_getfield(L, 1, "report") != LUA_TNIL) {
        int table = lua_gettop(L);
        jigL_check_keys(L, table, "session.service report", known);
        service->report_refused = bool_field(L, table, "refused", service->report_refused);
        service->report_unclear = bool_field(L, table, "unclear", service->report_unclear);
        service->report_again = bool_field(L, table, "again", service->report_again);
    }
    lua_pop(L, 1);
}

/* [-0, +n, e] */
static void read_trouble(lua_State *L, int token, const char *key, const char *const *known,
                         struct jig_token_trouble *trouble)
{
    if (lua_getfield(L, token, key) == LUA_TNIL)
        return;
    int table = lua_gettop(L);
    jigL_check_keys(L, table, "session.service token", known);
    trouble->statuses = read_statuses(L, table, "statuses", &trouble->n_statuses);
    trouble->patterns = read_list(L, table, "patterns");
}

/* A text in field `key` of the table on the top of the stack, which keeps it alive. [-0, +0, e] */
static const char *need_text(lua_State *L, const char *key, size_t most)
{
    size_t n = 0;
    const char *text = lua_getfield(L, -1, key) == LUA_TSTRING ? lua_tolstring(L, -1, &n) : NULL;
    if (!text || n == 0 || n > most || strlen(text) != n)
        luaL_error(L, "session.service: token.pin needs '%s', a text of 1 to %d bytes", key,
                   (int)most);
    lua_pop(L, 1);
    return text;
}

/* How the CLI gets the PIN that the process keeps; the table pin is on the top of the stack. What
 * is played in a world needs none. [-0, +0, e] */
static void read_handover(lua_State *L, struct jig_handover *handover)
{
    static const char *const ways[] = {"descriptor", "environment", "terminal", NULL};
    struct jig_engine *engine = jigL_engine(L);
    if (lua_getfield(L, -1, "by") == LUA_TNIL || engine->world) {
        lua_pop(L, 1);
        return;
    }
    handover->way = (enum jig_handover_way)(luaL_checkoption(L, -1, NULL, ways) + 1);
    lua_pop(L, 1);
    lua_getfield(L, -1, "descriptor");
    lua_Integer descriptor = luaL_optinteger(L, -1, 3);
    lua_pop(L, 1);
    if (descriptor != 0 && descriptor != 3)
        luaL_error(L, "session.service: token.pin.descriptor must be 0 or 3");
    handover->descriptor = (int)descriptor;
    if (handover->way == JIG_HANDOVER_ENVIRONMENT)
        handover->variable = need_text(L, "variable", JIG_HANDOVER_PROMPT);
    if (handover->way == JIG_HANDOVER_TERMINAL)
        handover->prompt = need_text(L, "prompt", JIG_HANDOVER_PROMPT);
    if (!engine->pin)
        luaL_error(L, "session.service: no PIN is kept (jig.pin)");
    handover->secret = engine->pin;
}

/* [-0, +n, e] */
static void read_pin(lua_State *L, int token, struct jig_token *made)
{
    static const char *const known[] = {"statuses",   "patterns", "from",   "by",
                                        "descriptor", "variable", "prompt", NULL};
    read_trouble(L, token, "pin", known, &made->pin);
    if (lua_getfield(L, token, "pin") != LUA_TNIL)
        read_handover(L, &made->handover);
}

/* [-0, +n, e] */
static void read_token(lua_State *L, struct jig_service *service)
{
    static const char *const trouble[] = {"statuses", "patterns", NULL};
    static const char *const known[] = {"name", "width", "folder", "missing",
                                        "busy", "pin",   "tries",  NULL};
    struct jig_token *token = &service->token;
    lua_getfield(L, 1, "token");
    if (!lua_toboolean(L, -1))
        return;
    int table = lua_gettop(L);
    luaL_checkstack(L, 28, "token");
    jigL_check_keys(L, table, "session.service token", known);
    lua_getfield(L, table, "name");
    token->name = luaL_optstring(L, -1, "default");
    lua_getfield(L, table, "folder");
    token->folder = luaL_optstring(L, -1, "/run/lock/jig");
    lua_getfield(L, table, "width");
    lua_Integer width = luaL_optinteger(L, -1, 1);
    token->width = width >= 1 && width <= JIG_SEATS_MAX ? (int)width : 0;
    read_trouble(L, table, "missing", trouble, &token->missing);
    read_trouble(L, table, "busy", trouble, &token->busy);
    read_pin(L, table, token);
}

static void read_calls(lua_State *L, struct jig_service *service)
{
    lua_getfield(L, 1, "calls");
    lua_Integer calls = luaL_optinteger(L, -1, 0);
    if (calls < 0)
        luaL_error(L, "session.service: 'calls' must be 1 or more, 0 for no limit");
    service->calls = (size_t)calls;
    lua_pop(L, 1);
}

/*
 * session.service(options) -> service. How the CLI is called; what the vendor does not document.
 *   cli        path of the program, or a name that is looked up in PATH
 *   arguments  array of fixed leading arguments (default none)
 *   env        table NAME = value laid over the few names of jig's environment that its children
 * see (core/environment.h): a string sets a name, true gives jig's own value, if it has one, false
 * removes it
 *   cwd        working directory (default jig's own)
 *   accept     array of exit statuses that mean success (default { 0 })
 *   limits     seconds for new_device, get_device_configuration, handle_device_response,
 * report_error (default 60 each) grace      seconds between TERM and KILL (2); stop: seconds a
 * running call gets when its unit is interrupted (10); hurry: when it is interrupted again (3)
 *   report     { refused = false, unclear = true, again = true }: report a new_device that was
 * refused; one of which it is unknown whether it opened a session; call report_error again when the
 * outcome of the call before is unknown
 *   token      { name = "default", width = 1, folder = "/run/lock/jig", missing, busy, pin }: the
 * token that the calls use; they queue for it, with all jigs of the host that use the folder
 * (core/gate.h), at most limits.gate seconds (600). missing, busy, pin: { statuses = {}, patterns =
 * {} }, by which a refusal tells that. pin also: how the CLI gets the PIN that jig.pin keeps
 * (core/handover.h), by = "descriptor" (descriptor = 3, or 0), "environment" (variable) or
 * "terminal" (prompt); `from` is for jig.token_pin. Default false: no gate. `tries` is for
 * jig.worker
 *   calls      calls of this process at once (default 0: no limit)
 *   pinned     run the program that guard.pin opened, as `cli`, and give it no variables but env's
 * nil, message, code when the folder cannot be used. From then on the process leaves no core
 * (core/dumps.h), but in a world, where all is played. Does not yield.
 */
static int service_new(lua_State *L)
{
    static const char *const known[] = {"cli",    "arguments", "env",    "cwd",   "accept",
                                        "limits", "grace",     "stop",   "hurry", "report",
                                        "token",  "calls",     "pinned", NULL};
    struct jig_engine *engine = jigL_engine(L);
    struct jig_service service;
    struct jig_error err;
    jigL_check_keys(L, 1, "session.service", known);
    if (!engine->world)
        jig_dumps_off();
    lua_settop(L, 1);
    lua_getfield(L, 1, "cli");
    const char *program = luaL_checkstring(L, -1);
    jig_service_init(&service, program);
    lua_getfield(L, 1, "cwd");
    service.cwd = luaL_optstring(L, -1, NULL);
    service.grace = seconds_field(L, 1, "grace", service.grace);
    service.stop = seconds_field(L, 1, "stop", service.stop);
    service.hurry = seconds_field(L, 1, "hurry", service.hurry);
    read_accepted(L, &service);
    read_limits(L, &service);
    read_report(L, &service);
    read_calls(L, &service);
    service.cli.arguments = read_list(L, 1, "arguments");
    bool pinned = bool_field(L, 1, "pinned", false);
    if (pinned && !engine->pinned)
        return luaL_error(L, "session.service: no program is pinned");
    service.cli.pinned = pinned ? engine->pinned : NULL;
    service.env = read_env(L, pinned);
    read_token(L, &service);
    struct lservice *s = lua_newuserdatauv(L, sizeof *s, 0);
    memset(s, 0, sizeof *s);
    luaL_setmetatable(L, SERVICE);
    s->shared = jig_service_share(&service);
    if (!s->shared)
        return luaL_error(L, "no memory for a service");
    if (!service.token.name && !service.calls)
        return 1;
    s->gate = jig_session_gate(engine->loop, s->shared, &engine->log, &err);
    return s->gate ? 1 : jigL_fail(L, &err);
}

static int service_gc(lua_State *L)
{
    struct lservice *s = luaL_checkudata(L, 1, SERVICE);
    jig_service_drop(s->shared);
    jig_gate_close(s->gate);
    s->shared = NULL;
    s->gate = NULL;
    return 0;
}

/* ---- session ---- */

static struct lsession *to_session(lua_State *L)
{
    struct lsession *s = luaL_checkudata(L, 1, SESSION);
    if (!s->session)
        luaL_error(L, "attempt to use a closed session");
    return s;
}

static void interrupted(struct jig_wait *wait, unsigned times)
{
    struct lsession *s = wait->data;
    jig_session_interrupt(s->session, times);
}

/* A closed session on the top of the stack. [-0, +1, m] */
static struct lsession *push_session(lua_State *L)
{
    struct lsession *s = lua_newuserdatauv(L, sizeof *s, 1);
    memset(s, 0, sizeof *s);
    s->wait.interrupted = interrupted;
    s->wait.data = s;
    luaL_setmetatable(L, SESSION);
    return s;
}

static const char *check_id(lua_State *L, int arg)
{
    size_t length;
    const char *id = luaL_checklstring(L, arg, &length);
    luaL_argcheck(L, strlen(id) == length, arg, "a session id holds no NUL");
    return id;
}

static int check_attempt(lua_State *L, lua_Integer attempt)
{
    if (attempt < 1 || attempt > 1000000)
        luaL_error(L, "a session's attempt is 1 to 1000000");
    return (int)attempt;
}

static int open_session(lua_State *L, const struct jig_session_options *options)
{
    struct jig_error err;
    struct lsession *s = push_session(L);
    s->session = jig_session_new(options, &err);
    return s->session ? 1 : jigL_fail(L, &err);
}

static struct jig_session_options new_options(lua_State *L)
{
    struct jig_engine *engine = jigL_engine(L);
    struct lservice *service = luaL_checkudata(L, 1, SERVICE);
    return (struct jig_session_options){
        .loop = engine->loop,
        .service = service->shared,
        .log = &engine->log,
        .journal = engine->journal,
        .id = check_id(L, 2),
        .name = luaL_optstring(L, 3, "session"),
        .attempt = 1,
        .lock = -1,
    };
}

/*
 * session.new(service, id [, name [, record [, attempt]]]) -> session | nil, message, code. One
 * attempt at one device. `id` is the DEVICE_SESSION_ID, 1 to 128 printable characters; `name`
 * stands in traces. Where a journal is open it keeps the session: `record` is the JSON text of what
 * its event "opening" says (core/ledger.h), `attempt` counts sessions of that id from 1. Does not
 * yield. local s <close> = session.new(service, "e78d9c272156fb9b1a5c")
 */
static int session_new(lua_State *L)
{
    struct jig_session_options options = new_options(L);
    options.record = luaL_optstring(L, 4, NULL);
    options.attempt = check_attempt(L, luaL_optinteger(L, 5, 1));
    return open_session(L, &options);
}

/*
 * session.orphaned(service, id, name, attempt, owner) -> session | nil, message, code. A session
 * that the journal knows and whose owner is gone: it owes a report. `owner` is the lock that
 * journal.take gave, which the CLI inherits; keep it until the session is closed. Does not yield.
 */
static int session_orphaned(lua_State *L)
{
    struct jig_session_options options = new_options(L);
    options.attempt = check_attempt(L, luaL_checkinteger(L, 4));
    options.lock = jigL_owner_lock(L, 5);
    options.orphaned = true;
    luaL_argcheck(L, options.journal, 1, "no journal is open");
    return open_session(L, &options);
}

static void call_ended(void *data, const struct jig_session_result *result)
{
    struct lsession *s = data;
    s->rc = result->rc;
    s->started = result->started;
    s->waited = result->waited;
    s->exit_status = result->exit_status;
    s->err = result->err;
    jig_factory_answer_release(&s->answer); /* of a call whose waiter has gone without it */
    s->answer = *result->answer;
    memcpy(s->fingerprint, s->answer.fingerprint, sizeof s->fingerprint);
    memset(result->answer, 0, sizeof *result->answer);
    jigL_wake(&s->wait);
}

/* nil, message, code, "call" when the program ran, "start" when it did not; then the fingerprint
 * when there is one that the journal does not take. */
static int fail_call(lua_State *L, const struct jig_error *err, bool started)
{
    jigL_fail(L, err);
    lua_pushstring(L, started ? "call" : "start");
    return 4;
}

static int push_answer(lua_State *L, struct lsession *s)
{
    const struct jig_factory_answer *answer = &s->answer;
    if (answer->fingerprint[0]) {
        lua_pushstring(L, answer->fingerprint);
    } else if (answer->payload) {
        lua_createtable(L, 0, 2);
        lua_pushinteger(L, answer->scp);
        lua_setfield(L, -2, "scp");
        lua_pushlstring(L, (const char *)answer->payload, answer->payload_len);
        lua_setfield(L, -2, "payload");
    } else {
        lua_pushboolean(L, 1);
    }
    jig_factory_answer_release(&s->answer);
    return 1;
}

static int call_done(lua_State *L, int status, lua_KContext ctx)
{
    struct lsession *s = luaL_checkudata(L, 1, SESSION);
    (void)status;
    (void)ctx;
    if (s->wait.outcome != JIG_OK)
        return jigL_fail_wait(L, &s->wait, "session");
    s->waited_all += s->waited;
    jigL_limit_extend(jigL_engine(L), s->waited);
    if (s->rc == JIG_OK)
        return push_answer(L, s);
    int n = fail_call(L, &s->err, s->started);
    if (!s->answer.fingerprint[0])
        return n;
    lua_pushstring(L, s->answer.fingerprint);
    jig_factory_answer_release(&s->answer);
    return n + 1;
}

/*
 * Who asked for it hears that the call waits. The call has begun and must get its waiter: what the
 * listener raises is dropped.
 */
static void tell_place(lua_State *L, struct lsession *s)
{
    size_t place = jig_session_place(s->session);
    if (!place)
        return;
    if (lua_getiuservalue(L, 1, ON_WAIT) == LUA_TFUNCTION) {
        lua_pushinteger(L, (lua_Integer)place);
        if (lua_pcall(L, 1, 0, 0) == LUA_OK)
            return;
    }
    lua_pop(L, 1);
}

static int wait_for_call(lua_State *L, struct lsession *s, int rc, const struct jig_error *err)
{
    struct jig_engine *engine = jigL_engine(L);
    s->waited = 0;
    if (rc == JIG_EMISUSE)
        return luaL_error(L, "%s", err->text);
    if (rc < 0)
        return fail_call(L, err, false);
    tell_place(L, s);
    unsigned times = jigL_task_interrupts(engine->current);
    if (times)
        jig_session_interrupt(s->session, times);
    jigL_wait_begin(L, &s->wait, "cli", HUGE_VAL, true);
    if (!jigL_block(L, &s->wait, "session"))
        return jigL_yield(L, 0, call_done);
    return call_done(L, LUA_OK, 0);
}

/* An interrupted unit begins no further command. */
static bool stopped(lua_State *L, struct jig_error *err)
{
    if (!jigL_task_interrupts(jigL_engine(L)->current))
        return false;
    jig_fail(err, JIG_ECANCELLED, "interrupted");
    return true;
}

/*
 * session:new_device() -> { scp = integer, payload = bytes } | nil, message, code, stage. The codes
 * stand in core/session.h; stage is "start" when the program did not run, else "call". Raises out
 * of order. Yields.
 */
static int new_device(lua_State *L)
{
    struct lsession *s = to_session(L);
    jigL_check_wait(L, "session:new_device");
    struct jig_error err;
    if (stopped(L, &err))
        return fail_call(L, &err, false);
    int rc = jig_session_new_device(s->session, call_ended, s, &err);
    return wait_for_call(L, s, rc, &err);
}

/*
 * session:get_device_configuration(response) -> { scp =, payload = } | nil, message, code, stage.
 * The response is what the device answered, as bytes. Yields.
 */
static int get_device_configuration(lua_State *L)
{
    struct lsession *s = to_session(L);
    struct jig_error err;
    size_t n;
    const char *response = luaL_checklstring(L, 2, &n);
    jigL_check_wait(L, "session:get_device_configuration");
    if (stopped(L, &err))
        return fail_call(L, &err, false);
    int rc = jig_session_get_device_configuration(s->session, response, n, call_ended, s, &err);
    return wait_for_call(L, s, rc, &err);
}

/*
 * session:handle_device_response(response) -> fingerprint | nil, message, code, stage. The
 * fingerprint is the CLI's text as it is; the device is manufactured, and the journal has it. When
 * the journal does not take it: nil, message, "record", "call", fingerprint. Yields.
 */
static int handle_device_response(lua_State *L)
{
    struct lsession *s = to_session(L);
    struct jig_error err;
    size_t n;
    const char *response = luaL_checklstring(L, 2, &n);
    jigL_check_wait(L, "session:handle_device_response");
    if (stopped(L, &err))
        return fail_call(L, &err, false);
    int rc = jig_session_handle_device_response(s->session, response, n, call_ended, s, &err);
    return wait_for_call(L, s, rc, &err);
}

/*
 * session:report_error(code, reason [, fault [, phase]]) -> true | nil, message, code, stage.
 * Raises when nothing is owed: ask session:owes(). The reason is cleaned of control characters and
 * cut to 200 bytes; fault and phase are for the record. Yields, also in an interrupted task.
 */
static int report_error(lua_State *L)
{
    struct lsession *s = to_session(L);
    struct jig_error err;
    lua_Integer code = luaL_checkinteger(L, 2);
    struct jig_report report = {.reason = luaL_checkstring(L, 3),
                                .fault = luaL_optstring(L, 4, NULL),
                                .phase = luaL_optstring(L, 5, NULL)};
    luaL_argcheck(L, code >= INT32_MIN && code <= INT32_MAX, 2, "an error code has 32 bits");
    report.code = (int32_t)code;
    jigL_check_wait(L, "session:report_error");
    int rc = jig_session_report(s->session, &report, call_ended, s, &err);
    return wait_for_call(L, s, rc, &err);
}

/*
 * session:owes() -> true while a session may be open at the service and has not had its end.
 */
static int owes(lua_State *L)
{
    lua_pushboolean(L, jig_session_owes(to_session(L)->session));
    return 1;
}

/*
 * session:state() -> "idle", "opening", "opened", "configuring", "configured", "finishing",
 * "owing a report", "reporting" or "ended".
 */
static int state(lua_State *L)
{
    lua_pushstring(L, jig_session_state_name(jig_session_state(to_session(L)->session)));
    return 1;
}

/*
 * session:on_wait(fn). fn(place) is called when a call has to wait at the gate: place 1 is the
 * next. It must not wait itself; what it raises is dropped. Does not yield.
 */
static int on_wait(lua_State *L)
{
    to_session(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_setiuservalue(L, 1, ON_WAIT);
    return 0;
}

/*
 * session:waited() -> seconds that the latest call waited at the gate, and all calls.
 */
static int waited(lua_State *L)
{
    const struct lsession *s = to_session(L);
    lua_pushnumber(L, (double)s->waited / JIG_SECOND);
    lua_pushnumber(L, (double)s->waited_all / JIG_SECOND);
    return 2;
}

/*
 * session:fingerprint() -> the one that handle_device_response read; nil: none. Also when who
 * called it was ended before it had the answer. Does not yield.
 */
static int fingerprint(lua_State *L)
{
    const struct lsession *s = to_session(L);
    if (s->fingerprint[0])
        lua_pushstring(L, s->fingerprint);
    else
        luaL_pushfail(L);
    return 1;
}

static int id(lua_State *L)
{
    lua_pushstring(L, jig_session_id(to_session(L)->session));
    return 1;
}

/*
 * session:close(). Also what <close> and the collector do. One that still owes a report and has not
 * tried is reported in the background, with code 902. Twice is harmless. Does not yield.
 */
static int session_close(lua_State *L)
{
    struct lsession *s = luaL_checkudata(L, 1, SESSION);
    struct jig_session *session = s->session;
    s->session = NULL;
    lua_pushnil(L); /* who listened knows the unit, which would last until this here is collected */
    lua_setiuservalue(L, 1, ON_WAIT);
    jigL_wake_with(&s->wait, JIG_ECLOSED);
    jig_session_release(session, ABANDONED_CODE, "the script left its session open");
    jig_factory_answer_release(&s->answer);
    return 0;
}

static int session_gc(lua_State *L)
{
    struct lsession *s = luaL_checkudata(L, 1, SESSION);
    jigL_wait_drop(&s->wait);
    return session_close(L);
}

/*
 * session.unreported() -> how many sessions that were closed owed a report which nobody accepted,
 * and how many are still being reported in the background.
 */
static int unreported(lua_State *L)
{
    struct jig_loop *loop = jigL_engine(L)->loop;
    lua_pushinteger(L, (lua_Integer)jig_session_unreported(loop));
    lua_pushinteger(L, (lua_Integer)jig_session_busy(loop));
    return 2;
}

int luaopen_jig_session(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"new_device", new_device},
        {"get_device_configuration", get_device_configuration},
        {"handle_device_response", handle_device_response},
        {"report_error", report_error},
        {"owes", owes},
        {"state", state},
        {"id", id},
        {"on_wait", on_wait},
        {"waited", waited},
        {"fingerprint", fingerprint},
        {"close", session_close},
        {NULL, NULL},
    };
    static const luaL_Reg functions[] = {
        {"service", service_new},   {"new", session_new}, {"orphaned", session_orphaned},
        {"unreported", unreported}, {NULL, NULL},
    };
    luaL_newmetatable(L, SERVICE);
    lua_pushcfunction(L, service_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newmetatable(L, SESSION);
    lua_pushcfunction(L, session_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, session_close);
    lua_setfield(L, -2, "__close");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, functions);
    return 1;
}
