/* See pattern.h. A backtracking matcher over the pattern as it is written. What follows an item is
 * matched by recursion only where there is a choice to come back to.
 */
#include "bindings/pattern.h"

#include <assert.h>
#include <ctype.h>
#include <lauxlib.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bindings/budget.h"

enum {
    CAPTURES = 32,
    DEPTH = 200, /* of the recursion; as Lua's */
    OPEN = -1,   /* length of a capture that has not ended */
    PLACE = -2,  /* of one that stands for a position */
    ESCAPE = '%',
    BYTES = 16,   /* in one step, where they are gone over quickly */
    CHECKED = 12, /* bits of the steps from one check of the budget to the next */
};

struct capture {
    const char *start;
    ptrdiff_t length;
};

struct matcher {
    lua_State *L;
    const char *subject, *end; /* a NUL stands at the end */
    const char *pattern_end;   /* and here */
    int depth, level, steps;
    struct capture captures[CAPTURES];
};

static const char *match(struct matcher *m, const char *s, const char *p);

static void spend(struct matcher *m, ptrdiff_t steps)
{
    if (steps >= m->steps)
        luaL_error(
            m->L, "pattern matching took more than %d steps: anchor the pattern or make it simpler",
            JIG_PATTERN_STEPS);
    int left = m->steps - (int)steps;
    if (left >> CHECKED != m->steps >> CHECKED)
        jigL_budget_check(m->L);
    m->steps = left;
}

/* ---- one character ---- */

static int in_class(int c, int class)
{
    int in;
    switch (tolower(class)) {
    case 'a':
        in = isalpha(c);
        break;
    case 'c':
        in = iscntrl(c);
        break;
    case 'd':
        in = isdigit(c);
        break;
    case 'g':
        in = isgraph(c);
        break;
    case 'l':
        in = islower(c);
        break;
    case 'p':
        in = ispunct(c);
        break;
    case 's':
        in = isspace(c);
        break;
    case 'u':
        in = isupper(c);
        break;
    case 'w':
        in = isalnum(c);
        break;
    case 'x':
        in = isxdigit(c);
        break;
    case 'z': /* of older manuals; Lua still knows it */
        in = c == 0;
        break;
    default:
        return class == c;
    }
    return isupper(class) ? !in : in != 0;
}

/* Whether c is in the set from `p`, which is its "[", to `last`, its "]". */
static int in_set(int c, const char *p, const char *last)
{
    int found = p[1] != '^';
    p += found ? 1 : 2;
    for (; p < last; p++) {
        if (*p == ESCAPE) {
            if (in_class(c, (unsigned char)*++p))
                return found;
        } else if (p[1] == '-' && p + 2 < last) {
            if ((unsigned char)p[0] <= c && c <= (unsigned char)p[2])
                return found;
            p += 2;
        } else if ((unsigned char)*p == c) {
            return found;
        }
    }
    return !found;
}

static const char *end_of_set(struct matcher *m, const char *p)
{
    p += p[1] == '^' ? 2 : 1;
    const char *first = p;
    do { /* a "]" that comes first is of the set */
        if (p >= m->pattern_end)
            luaL_error(m->L, "malformed pattern (missing ']')");
        p += *p == ESCAPE && p + 1 < m->pattern_end ? 2 : 1;
    } while (p >= m->pattern_end || *p != ']');
    spend(m, (p - first) / BYTES);
    return p + 1;
}

/* Where the item for one character ends that begins at p. */
static const char *end_of_item(struct matcher *m, const char *p)
{
    if (*p == '[')
        return end_of_set(m, p);
    if (*p != ESCAPE)
        return p + 1;
    if (p + 1 == m->pattern_end)
        luaL_error(m->L, "malformed pattern (ends with '%%')");
    return p + 2;
}

static int fits(struct matcher *m, const char *s, const char *p, const char *after)
{
    if (s >= m->end)
        return 0;
    int c = (unsigned char)*s;
    switch (*p) {
    case '.':
        return 1;
    case ESCAPE:
        return in_class(c, (unsigned char)p[1]);
    case '[':
        spend(m, 1 + (after - p) / BYTES);
        return in_set(c, p, after - 1);
    default:
        return (unsigned char)*p == c;
    }
}

/* ---- repetitions: the item at p, what follows it at `rest` ---- */

static const char *most(struct matcher *m, const char *s, const char *p, const char *after)
{
    ptrdiff_t n = 0;
    while (fits(m, s + n, p, after))
        n++;
    spend(m, n);
    for (; n >= 0; n--) {
        const char *found = match(m, s + n, after + 1);
        if (found)
            return found;
    }
    return NULL;
}

static const char *fewest(struct matcher *m, const char *s, const char *p, const char *after)
{
    for (;; s++) {
        const char *found = match(m, s, after + 1);
        if (found || !fits(m, s, p, after))
            return found;
    }
}

/* ---- captures ---- */

static const char *open_capture(struct matcher *m, const char *s, const char *p)
{
    int place = p[1] == ')';
    if (m->level >= CAPTURES)
        luaL_error(m->L, "too many captures");
    m->captures[m->level++] = (struct capture){s, place ? PLACE : OPEN};
    const char *found = match(m, s, p + (place ? 2 : 1));
    if (!found)
        m->level--;
    return found;
}

static const char *close_capture(struct matcher *m, const char *s, const char *p)
{
    int i = m->level - 1;
    while (i >= 0 && m->captures[i].length != OPEN)
        i--;
    if (i < 0)
        luaL_error(m->L, "invalid pattern capture");
    m->captures[i].length = s - m->captures[i].start;
    const char *found = match(m, s, p + 1);
    if (!found)
        m->captures[i].length = OPEN;
    return found;
}

/* The end of what repeats an earlier capture; NULL = it does not stand here. */
static const char *repeated(struct matcher *m, const char *s, int digit)
{
    int i = digit - '1';
    if (i < 0 || i >= m->level || m->captures[i].length == OPEN)
        luaL_error(m->L, "invalid capture index %%%d", i + 1);
    ptrdiff_t n = m->captures[i].length;
    if (n < 0 || n > m->end - s)
        return NULL;
    spend(m, n / BYTES); /* memcmp is quick */
    return memcmp(m->captures[i].start, s, (size_t)n) == 0 ? s + n : NULL;
}

/* ---- %b and %f ---- */

static const char *balanced(struct matcher *m, const char *s, const char *p)
{
    if (p + 1 >= m->pattern_end)
        luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    if (s >= m->end || *s != *p)
        return NULL;
    int depth = 1;
    for (const char *at = s + 1; at < m->end; at++) {
        if (*at == p[1])
            depth--;
        else if (*at == p[0])
            depth++;
        if (depth == 0) {
            spend(m, at - s);
            return at + 1;
        }
    }
    spend(m, m->end - s);
    return NULL;
}

/* The end of the item when the subject crosses into its set at s. */
static const char *frontier(struct matcher *m, const char *s, const char *set)
{
    if (*set != '[')
        luaL_error(m->L, "missing '[' after '%%f' in pattern");
    const char *after = end_of_set(m, set);
    spend(m, 1 + (after - set) / BYTES);
    int before = s == m->subject ? '\0' : (unsigned char)s[-1];
    return !in_set(before, set, after - 1) && in_set((unsigned char)*s, set, after - 1) ? after
                                                                                        : NULL;
}

/* ---- the whole ---- */

/* Goes past what is no single character at *p, and moves *s and *p. 1: it did; 0: nothing of that
 * kind is there; -1: it does not fit. */
static int special(struct matcher *m, const char **s, const char **p)
{
    const char *at = *p, *to = *s, *after;
    if (*at != ESCAPE)
        return 0;
    if (at[1] == 'b') {
        to = balanced(m, *s, at + 2);
        after = at + 4;
    } else if (at[1] == 'f') {
        after = frontier(m, *s, at + 2);
    } else if (isdigit((unsigned char)at[1])) {
        to = repeated(m, *s, (unsigned char)at[1]);
        after = at + 2;
    } else {
        return 0;
    }
    if (!to || !after)
        return -1;
    *s = to;
    *p = after;
    return 1;
}

static const char *try_match(struct matcher *m, const char *s, const char *p)
{
    while (p != m->pattern_end) {
        spend(m, 1);
        if (*p == '(')
            return open_capture(m, s, p);
        if (*p == ')')
            return close_capture(m, s, p);
        if (*p == '$' && p + 1 == m->pattern_end)
            return s == m->end ? s : NULL;
        int rc = special(m, &s, &p);
        if (rc < 0)
            return NULL;
        if (rc > 0)
            continue;
        const char *after = end_of_item(m, p);
        switch (*after) {
        case '*':
            return most(m, s, p, after);
        case '+':
            return fits(m, s, p, after) ? most(m, s + 1, p, after) : NULL;
        case '-':
            return fewest(m, s, p, after);
        case '?':
            if (fits(m, s, p, after)) {
                const char *found = match(m, s + 1, after + 1);
                if (found)
                    return found;
            }
            p = after + 1;
            break;
        default:
            if (!fits(m, s, p, after))
                return NULL;
            s++;
            p = after;
        }
    }
    return s;
}

/* The end of the match of p at s; NULL = none. */
static const char *match(struct matcher *m, const char *s, const char *p)
{
    if (m->depth-- == 0)
        luaL_error(m->L, "pattern too complex");
    const char *found = try_match(m, s, p);
    m->depth++;
    return found;
}

static const char *match_at(struct matcher *m, const char *s, const char *p)
{
    m->level = 0;
    m->depth = DEPTH;
    return match(m, s, p);
}

/* Matches at s or behind it, and moves *s there; not where the match would end at `last`. */
static const char *search(struct matcher *m, const char **s, const char *p, const char *last)
{
    for (; *s <= m->end; (*s)++) {
        const char *found = match_at(m, *s, p);
        if (found && found != last)
            return found;
    }
    return NULL;
}

static struct matcher new_matcher(lua_State *L, const char *s, size_t n, const char *p, size_t m)
{
    return (struct matcher){
        .L = L, .subject = s, .end = s + n, .pattern_end = p + m, .steps = JIG_PATTERN_STEPS};
}

/* ---- results ---- */

/* Pushes a capture; without any the match is the first. [-0, +1, v] */
static void push_capture(struct matcher *m, int i, const char *s, const char *found)
{
    if (i >= m->level) {
        if (i != 0)
            luaL_error(m->L, "invalid capture index %%%d", i + 1);
        lua_pushlstring(m->L, s, (size_t)(found - s));
        return;
    }
    const struct capture *c = &m->captures[i];
    if (c->length == OPEN)
        luaL_error(m->L, "unfinished capture");
    if (c->length == PLACE)
        lua_pushinteger(m->L, c->start - m->subject + 1);
    else
        lua_pushlstring(m->L, c->start, (size_t)c->length);
}

/* All of them; without any the match, if `s` is given. */
static int push_captures(struct matcher *m, const char *s, const char *found)
{
    int n = m->level == 0 && s ? 1 : m->level;
    luaL_checkstack(m->L, n, "too many captures");
    for (int i = 0; i < n; i++)
        push_capture(m, i, s, found);
    return n;
}

/* The offset that argument `arg` gives, a position from either end; n + 1 when it is behind the
 * subject. */
static size_t opt_offset(lua_State *L, int arg, size_t n)
{
    lua_Integer at = luaL_optinteger(L, arg, 1);
    if (at > 0)
        return (lua_Unsigned)at - 1 > n ? n + 1 : (size_t)at - 1;
    if (at == 0 || at < -(lua_Integer)n)
        return 0;
    return n - (size_t)(-at);
}

static int is_plain(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != '\0' && strchr("^$*+?.([%-", p[i]))
            return 0;
    return 1;
}

/* memchr is the quickest by far where the first byte is rare, memmem where it is not: its time is
 * that of the text, whatever is in it. */
static const char *find_bytes(const char *s, size_t n, const char *p, size_t pn)
{
    for (int candidates = 0; candidates < 16; candidates++) {
        const char *first = n < pn ? NULL : memchr(s, *p, n - pn + 1);
        if (!first || memcmp(first, p, pn) == 0)
            return first;
        n -= (size_t)(first + 1 - s);
        s = first + 1;
    }
    return memmem(s, n, p, pn);
}

static int find_plain(lua_State *L, const char *s, size_t n, const char *p, size_t pn, size_t at)
{
    const char *found = pn == 0 ? s + at : find_bytes(s + at, n - at, p, pn);
    if (!found) {
        luaL_pushfail(L);
        return 1;
    }
    lua_pushinteger(L, found - s + 1);
    lua_pushinteger(L, found - s + (lua_Integer)pn);
    return 2;
}

static int find_or_match(lua_State *L, int find)
{
    jigL_budget_check(L);
    size_t n, pn;
    const char *s = luaL_checklstring(L, 1, &n);
    const char *p = luaL_checklstring(L, 2, &pn);
    size_t at = opt_offset(L, 3, n);
    if (at > n) {
        luaL_pushfail(L);
        return 1;
    }
    if (find && (lua_toboolean(L, 4) || is_plain(p, pn)))
        return find_plain(L, s, n, p, pn, at);
    struct matcher m = new_matcher(L, s, n, p, pn);
    const char *start = s + at;
    const char *found = *p == '^' ? match_at(&m, start, p + 1) : search(&m, &start, p, NULL);
    if (!found) {
        luaL_pushfail(L);
        return 1;
    }
    if (!find)
        return push_captures(&m, start, found);
    lua_pushinteger(L, start - s + 1);
    lua_pushinteger(L, found - s);
    return 2 + push_captures(&m, NULL, NULL);
}

/*
 * string.find(s, pattern [, init [, plain]])
 */
int jigL_find(lua_State *L)
{
    return find_or_match(L, 1);
}

/*
 * string.match(s, pattern [, init])
 */
int jigL_match(lua_State *L)
{
    return find_or_match(L, 0);
}

/* ---- gmatch ---- */

/* What an iterator keeps; upvalues 1 and 2 are subject and pattern. */
struct iteration {
    size_t at;
    const char *last; /* where the match before ended */
};

static int gmatch_next(lua_State *L)
{
    jigL_budget_check(L);
    size_t n, pn;
    const char *s = lua_tolstring(L, lua_upvalueindex(1), &n);
    const char *p = lua_tolstring(L, lua_upvalueindex(2), &pn);
    struct iteration *it = lua_touserdata(L, lua_upvalueindex(3));
    struct matcher m = new_matcher(L, s, n, p, pn);
    if (it->at > n)
        return 0;
    const char *start = s + it->at;
    const char *found = search(&m, &start, p, it->last);
    if (!found) {
        it->at = n + 1;
        return 0;
    }
    it->at = (size_t)(found - s);
    it->last = found;
    return push_captures(&m, start, found);
}

/*
 * string.gmatch(s, pattern [, init])
 */
int jigL_gmatch(lua_State *L)
{
    size_t n;
    luaL_checklstring(L, 1, &n);
    luaL_checkstring(L, 2);
    size_t at = opt_offset(L, 3, n);
    lua_settop(L, 2);
    struct iteration *it = lua_newuserdatauv(L, sizeof *it, 0);
    *it = (struct iteration){at, NULL};
    lua_pushcclosure(L, gmatch_next, 3);
    return 1;
}

/* ---- gsub ---- */

static void add_copy(struct matcher *m, luaL_Buffer *b, const char *s, size_t n)
{
    spend(m, (ptrdiff_t)(n / BYTES));
    luaL_addlstring(b, s, n);
}

/* One "%" of a replacement text, with the character that follows it. */
static void add_escape(struct matcher *m, luaL_Buffer *b, int c, const char *s, const char *found)
{
    spend(m, 1);
    if (c == ESCAPE) {
        luaL_addchar(b, ESCAPE);
    } else if (c == '0') {
        add_copy(m, b, s, (size_t)(found - s));
    } else if (isdigit(c)) {
        push_capture(m, c - '1', s, found);
        size_t n;
        luaL_tolstring(m->L, -1, &n); // position text
        spend(m, (ptrdiff_t)(n / BYTES));
        lua_remove(m->L, -2);
        luaL_addvalue(b);
    } else {
        luaL_error(m->L, "invalid use of '%c' in replacement string", ESCAPE);
    }
}

static void add_text(struct matcher *m, luaL_Buffer *b, const char *s, const char *found)
{
    size_t n;
    const char *text = lua_tolstring(m->L, 3, &n), *end = text + n, *escape;
    while ((escape = memchr(text, ESCAPE, (size_t)(end - text)))) {
        add_copy(m, b, text, (size_t)(escape - text));
        add_escape(m, b, (unsigned char)escape[1], s, found);
        text = escape + 2;
    }
    add_copy(m, b, text, (size_t)(end - text));
}

/* Adds what stands for the match; 0 = the match itself. */
static int add_value(struct matcher *m, luaL_Buffer *b, const char *s, const char *found)
{
    lua_State *L = m->L;
    switch (lua_type(L, 3)) {
    case LUA_TFUNCTION:
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(m, s, found), 1);
        break;
    case LUA_TTABLE:
        push_capture(m, 0, s, found);
        lua_gettable(L, 3);
        break;
    default:
        add_text(m, b, s, found);
        return 1;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(b, s, (size_t)(found - s));
        return 0;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    luaL_addvalue(b);
    return 1;
}

/* Replaces up to `most` matches; gives how many, and whether anything is other than it was. */
static lua_Integer replace(struct matcher *m, luaL_Buffer *b, const char *p,
                           lua_Integer most_of_all, int *changed)
{
    const char *s = m->subject, *last = NULL, *rest = s; /* rest: what was not added yet */
    assert(s);
    int anchored = *p == '^';
    lua_Integer n = 0;
    while (n < most_of_all) {
        const char *found = match_at(m, s, p + anchored);
        if (found && found != last) {
            n++;
            jigL_budget_check(m->L); /* C may be called for each */
            luaL_addlstring(b, rest, (size_t)(s - rest));
            *changed |= add_value(m, b, s, found);
            s = last = rest = found;
        } else if (s < m->end) {
            s++;
        } else {
            break;
        }
        if (anchored)
            break;
    }
    luaL_addlstring(b, rest, (size_t)(m->end - rest));
    return n;
}

/*
 * string.gsub(s, pattern, replacement [, n])
 */
int jigL_gsub(lua_State *L)
{
    jigL_budget_check(L);
    size_t n, pn;
    const char *s = luaL_checklstring(L, 1, &n);
    const char *p = luaL_checklstring(L, 2, &pn);
    int type = lua_type(L, 3), changed = 0;
    luaL_argexpected(L,
                     type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
                         type == LUA_TTABLE,
                     3, "string/function/table");
    lua_Integer most_of_all = luaL_optinteger(L, 4, (lua_Integer)n + 1);
    struct matcher m = new_matcher(L, s, n, p, pn);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    lua_Integer count = replace(&m, &b, p, most_of_all, &changed);
    luaL_pushresult(&b);
    if (!changed)
        lua_pushvalue(L, 1);
    lua_pushinteger(L, count);
    return 2;
}
