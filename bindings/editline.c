/* See editline.h. What runs in the thread is marked so; all else runs in the loop's.
 */
#include "bindings/editline.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#define LIBRARY "libedit.so.2"

enum { BYTES = 4096, INTERRUPT = 3 };

/* What is called of the library. */
struct library {
    EditLine *(*el_init)(const char *, FILE *, FILE *, FILE *);
    void (*el_end)(EditLine *);
    int (*el_set)(EditLine *, int, ...);
    int (*el_wset)(EditLine *, int, ...);
    const char *(*el_gets)(EditLine *, int *);
    const LineInfo *(*el_line)(EditLine *);
    const LineInfoW *(*el_wline)(EditLine *);
    int (*el_insertstr)(EditLine *, const char *);
    void (*el_deletestr)(EditLine *, int);
    int (*el_cursor)(EditLine *, int);
    void (*el_resize)(EditLine *);
    History *(*history_init)(void);
    void (*history_end)(History *);
    int (*history)(History *, HistEvent *, int, ...);
};

enum order { OPEN, BEGIN, GO_ON, INSERT, PRINT, REMEMBER, CLOSE };

struct jig_editline {
    struct library lib;
    pthread_t thread;
    sem_t go, back; /* whose turn it is */
    enum order order;
    enum jig_edit_event event;
    const char *given; /* with an order */
    size_t n_given;
    FILE *in, *out;
    EditLine *el;
    History *history;
    char prompt[JIG_EDIT_PROMPT];
    uint8_t bytes[BYTES]; /* from the terminal, and not yet taken */
    size_t at, end;
    bool ended;       /* the input */
    mbstate_t cut;    /* a character of which some bytes are there */
    const char *text; /* of the event */
    size_t n_text;
    struct winsize size;
    bool failed; /* the thread could not begin */
};

/* ---- in the thread ---- */

static void wait_for(sem_t *turn)
{
    while (sem_wait(turn) < 0 && errno == EINTR)
        ;
}

/* Lets the loop go on; gives its next order. */
static enum order give_way(struct jig_editline *edit, enum jig_edit_event event)
{
    edit->event = event;
    sem_post(&edit->back);
    wait_for(&edit->go);
    return edit->order;
}

static int width_of(const wchar_t *from, const wchar_t *to)
{
    int sum = 0;
    for (; from < to; from++) {
        int cells = wcwidth(*from);
        sum += cells < 0 ? 2 : cells; /* controls are shown as ^X */
    }
    return sum;
}

/* The cursor goes to where the prompt begins; all from there on is cleared. */
static void erase(struct jig_editline *edit)
{
    const LineInfoW *line = edit->lib.el_wline(edit->el);
    int columns = edit->size.ws_col ? edit->size.ws_col : 80;
    int cells = (int)strlen(edit->prompt) + width_of(line->buffer, line->cursor);
    fputc('\r', edit->out);
    if (cells / columns > 0)
        fprintf(edit->out, "\033[%dA", cells / columns);
    fputs("\033[J", edit->out);
}

static void draw(struct jig_editline *edit)
{
    fflush(edit->out);
    edit->lib.el_set(edit->el, EL_REFRESH);
}

static void look_at_size(struct jig_editline *edit)
{
    struct winsize size = {0};
    if (ioctl(fileno(edit->out), TIOCGWINSZ, &size) < 0 ||
        memcmp(&size, &edit->size, sizeof size) == 0)
        return;
    edit->size = size;
    edit->lib.el_resize(edit->el);
}

static void remember(struct jig_editline *edit)
{
    HistEvent event;
    edit->lib.history(edit->history, &event, H_ENTER, edit->given);
}

/* Gives way until the loop says to go on, or to end: false. Meanwhile does what it orders. */
static bool serve(struct jig_editline *edit, enum jig_edit_event event)
{
    for (;;) {
        switch (give_way(edit, event)) {
        case INSERT:
            edit->lib.el_insertstr(edit->el, edit->given);
            break;
        case PRINT:
            erase(edit);
            fwrite(edit->given, 1, edit->n_given, edit->out);
            draw(edit);
            break;
        case REMEMBER:
            remember(edit);
            break;
        case CLOSE:
            return false;
        default:
            return true;
        }
    }
}

/* Whose thread it is: libedit's callbacks get nothing else that tells. */
static _Thread_local struct jig_editline *own;

/* Stopped or ended by a key (Ctrl-Z, Ctrl-\) in the middle of a line, the terminal would be left as
 * an editor needs it. libedit leaves these keys on; after the line it puts back what it found. */
static void take_keys(struct jig_editline *edit)
{
    int fd = fileno(edit->in);
    struct termios now;
    if (tcgetattr(fd, &now) < 0)
        return;
    if (now.c_cc[VSUSP] == _POSIX_VDISABLE && now.c_cc[VQUIT] == _POSIX_VDISABLE)
        return;
    now.c_cc[VSUSP] = now.c_cc[VQUIT] = _POSIX_VDISABLE;
    tcsetattr(fd, TCSANOW, &now);
}

static bool next_byte(struct jig_editline *edit, uint8_t *byte)
{
    while (edit->at == edit->end) {
        take_keys(edit);
        if (edit->ended || !serve(edit, JIG_EDIT_HUNGRY))
            return false;
    }
    *byte = edit->bytes[edit->at++];
    look_at_size(edit);
    return true;
}

/* The next character: 1, or 0 at the end of the input. Bytes that are none are passed over. */
static int next_character(EditLine *el, wchar_t *character)
{
    struct jig_editline *edit = own;
    (void)el;
    uint8_t byte;
    while (next_byte(edit, &byte)) {
        size_t n = mbrtowc(character, (const char *)&byte, 1, &edit->cut);
        if (n == 1 || n == 0)
            return 1;
        if (n == (size_t)-1)
            memset(&edit->cut, 0, sizeof edit->cut);
    }
    return 0;
}

static char *prompt_of(EditLine *el)
{
    (void)el;
    return own->prompt;
}

static unsigned char complete(EditLine *el, wint_t key)
{
    struct jig_editline *edit = own;
    const LineInfo *line = edit->lib.el_line(el);
    (void)key;
    edit->text = line->buffer;
    edit->n_text = (size_t)(line->cursor - line->buffer);
    return serve(edit, JIG_EDIT_COMPLETE) ? CC_REFRESH : CC_EOF;
}

/* The terminal never sends this byte, which is its interrupt: the loop does. What was typed stays
 * on the screen as it was. */
static unsigned char interrupt(EditLine *el, wint_t key)
{
    struct jig_editline *edit = own;
    (void)key;
    const LineInfo *line = edit->lib.el_line(el);
    erase(edit);
    fprintf(edit->out, "%s%.*s^C\n", edit->prompt, (int)(line->lastchar - line->buffer),
            line->buffer);
    edit->lib.el_cursor(el, INT_MAX / 2); /* its end */
    const LineInfoW *all = edit->lib.el_wline(el);
    edit->lib.el_deletestr(el, (int)(all->lastchar - all->buffer));
    snprintf(edit->prompt, sizeof edit->prompt, "%s", edit->given);
    draw(edit);
    return CC_NORM;
}

/* UTF-8 whatever else the environment says: what the program itself prints is that. */
static locale_t new_locale(void)
{
    locale_t made = newlocale(LC_CTYPE_MASK, "", NULL);
    if (made && strcmp(nl_langinfo_l(CODESET, made), "UTF-8") == 0)
        return made;
    if (made)
        freelocale(made);
    return newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
}

static bool set_up(struct jig_editline *edit)
{
    struct library *lib = &edit->lib;
    HistEvent event;
    edit->el = lib->el_init("jig", edit->in, edit->out, edit->out);
    edit->history = lib->history_init();
    if (!edit->el || !edit->history)
        return false;
    lib->history(edit->history, &event, H_SETSIZE, JIG_EDIT_KEPT);
    lib->history(edit->history, &event, H_SETUNIQUE, 1);
    lib->el_set(edit->el, EL_SIGNAL, 0);
    lib->el_set(edit->el, EL_EDITOR, "emacs");
    lib->el_set(edit->el, EL_HIST, lib->history, edit->history);
    lib->el_set(edit->el, EL_PROMPT, prompt_of);
    lib->el_set(edit->el, EL_GETCFN, next_character);
    lib->el_wset(edit->el, EL_ADDFN, L"jig-complete", L"Completes a name", complete);
    lib->el_wset(edit->el, EL_ADDFN, L"jig-interrupt", L"Drops the line", interrupt);
    lib->el_set(edit->el, EL_BIND, "^I", "jig-complete", NULL);
    lib->el_set(edit->el, EL_BIND, "^C", "jig-interrupt", NULL);
    lib->el_set(edit->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
    return true;
}

/* One line, from its prompt to its end. */
static void edit_line(struct jig_editline *edit)
{
    int n = 0;
    look_at_size(edit);
    const char *line = edit->lib.el_gets(edit->el, &n);
    bool whole = line && n > 0 && line[n - 1] == '\n';
    edit->text = whole ? line : NULL;
    edit->n_text = whole ? (size_t)n - 1 : 0;
}

static void tear_down(struct jig_editline *edit)
{
    if (edit->el)
        edit->lib.el_end(edit->el);
    if (edit->history)
        edit->lib.history_end(edit->history);
}

static void *run(void *data)
{
    struct jig_editline *edit = own = data;
    locale_t locale = new_locale(), before = uselocale(locale ? locale : LC_GLOBAL_LOCALE);
    wait_for(&edit->go);
    edit->failed = !set_up(edit);
    enum order order = give_way(edit, JIG_EDIT_IDLE);
    while (order != CLOSE) {
        if (order == REMEMBER) {
            remember(edit);
            order = give_way(edit, edit->event);
        } else {
            edit_line(edit);
            if (edit->order == CLOSE)
                break;
            order = give_way(edit, edit->text ? JIG_EDIT_LINE : JIG_EDIT_END);
        }
    }
    tear_down(edit);
    uselocale(before);
    if (locale)
        freelocale(locale);
    return NULL;
}

/* ---- in the loop's ---- */

static void give(struct jig_editline *edit, enum order order, const char *text, size_t n)
{
    edit->order = order;
    edit->given = text;
    edit->n_given = n;
    sem_post(&edit->go);
    wait_for(&edit->back);
}

static int no_library(struct jig_error *err, const char *why)
{
    return jig_fail(err, JIG_ENOTFOUND,
                    "lines on a terminal are edited by " LIBRARY
                    ", which cannot be used: install the package libedit2 (%s)",
                    why);
}

static int load_library(struct library *lib, struct jig_error *err)
{
    const struct {
        const char *name;
        void *function;
    } all[] = {
        {"el_init", &lib->el_init},
        {"el_end", &lib->el_end},
        {"el_set", &lib->el_set},
        {"el_wset", &lib->el_wset},
        {"el_gets", &lib->el_gets},
        {"el_line", &lib->el_line},
        {"el_wline", &lib->el_wline},
        {"el_insertstr", &lib->el_insertstr},
        {"el_deletestr", &lib->el_deletestr},
        {"el_cursor", &lib->el_cursor},
        {"el_resize", &lib->el_resize},
        {"history_init", &lib->history_init},
        {"history_end", &lib->history_end},
        {"history", &lib->history},
    };
    void *library = dlopen(LIBRARY, RTLD_LAZY | RTLD_NODELETE);
    if (!library)
        return no_library(err, dlerror());
    const char *lacks = NULL;
    for (size_t i = 0; !lacks && i < sizeof all / sizeof *all; i++) {
        void *found = dlsym(library, all[i].name);
        if (!found)
            lacks = all[i].name;
        memcpy(all[i].function, &found, sizeof found);
    }
    dlclose(library); /* it stays */
    if (!lacks)
        return JIG_OK;
    char why[64];
    snprintf(why, sizeof why, "it lacks %s", lacks);
    return no_library(err, why);
}

/* A stream of its own for a descriptor that stays the caller's. */
static FILE *stream_of(int fd, const char *mode)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    FILE *made = copy < 0 ? NULL : fdopen(copy, mode);
    if (copy >= 0 && !made)
        close(copy);
    return made;
}

/* No signal is handled in it: the loop's thread has them all. */
static int start_thread(struct jig_editline *edit, struct jig_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int code = pthread_create(&edit->thread, NULL, run, edit);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code ? jig_fail_sys(err, code, "cannot start a thread to edit lines") : JIG_OK;
}

static void free_all(struct jig_editline *edit)
{
    sem_destroy(&edit->go);
    sem_destroy(&edit->back);
    if (edit->in)
        fclose(edit->in);
    if (edit->out)
        fclose(edit->out);
    free(edit);
}

struct jig_editline *jig_editline_open(int in, int out, struct jig_error *err)
{
    struct jig_editline *edit = calloc(1, sizeof *edit);
    if (!edit) {
        jig_fail(err, JIG_ENOMEM, "no memory to edit lines");
        return NULL;
    }
    sem_init(&edit->go, 0, 0);
    sem_init(&edit->back, 0, 0);
    edit->in = stream_of(in, "r");
    edit->out = stream_of(out, "w");
    if (!edit->in || !edit->out)
        jig_fail_sys(err, errno, "cannot open the terminal");
    else if (load_library(&edit->lib, err) == JIG_OK && start_thread(edit, err) == JIG_OK) {
        give(edit, OPEN, NULL, 0);
        if (!edit->failed)
            return edit;
        jig_fail(err, JIG_EUNSUPPORTED, "libedit cannot edit lines on this terminal");
        jig_editline_close(edit);
        return NULL;
    }
    free_all(edit);
    return NULL;
}

void jig_editline_close(struct jig_editline *edit)
{
    if (!edit)
        return;
    edit->order = CLOSE;
    edit->ended = true;
    sem_post(&edit->go);
    pthread_join(edit->thread, NULL);
    free_all(edit);
}

enum jig_edit_event jig_editline_event(const struct jig_editline *edit)
{
    return edit->event;
}

static bool editing(const struct jig_editline *edit)
{
    return edit->event == JIG_EDIT_HUNGRY || edit->event == JIG_EDIT_COMPLETE;
}

void jig_editline_begin(struct jig_editline *edit, const char *prompt)
{
    snprintf(edit->prompt, sizeof edit->prompt, "%s", prompt);
    give(edit, BEGIN, NULL, 0);
}

void jig_editline_feed(struct jig_editline *edit, const uint8_t *bytes, size_t n)
{
    edit->at = 0;
    edit->end = n < BYTES ? n : BYTES;
    memcpy(edit->bytes, bytes, edit->end);
    edit->ended = n == 0;
    give(edit, GO_ON, NULL, 0);
}

void jig_editline_go_on(struct jig_editline *edit)
{
    give(edit, GO_ON, NULL, 0);
}

void jig_editline_interrupt(struct jig_editline *edit, const char *prompt)
{
    if (!editing(edit))
        return;
    edit->at = 0;
    edit->end = 1;
    edit->bytes[0] = INTERRUPT;
    memset(&edit->cut, 0, sizeof edit->cut);
    give(edit, GO_ON, prompt, 0);
}

const char *jig_editline_text(const struct jig_editline *edit, size_t *n)
{
    *n = edit->n_text;
    return edit->text ? edit->text : "";
}

void jig_editline_insert(struct jig_editline *edit, const char *text)
{
    if (editing(edit))
        give(edit, INSERT, text, 0);
}

void jig_editline_print(struct jig_editline *edit, const char *text, size_t n)
{
    if (editing(edit)) {
        give(edit, PRINT, text, n);
        return;
    }
    fwrite(text, 1, n, edit->out);
    fflush(edit->out);
}

void jig_editline_remember(struct jig_editline *edit, const char *line)
{
    give(edit, REMEMBER, line, 0);
}
