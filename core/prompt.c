/* See prompt.h. */
#include "core/prompt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "core/handover.h"

/* How often a terminal is looked at that still shows what is typed. */
static const int64_t look_interval = 5 * JIG_MS;

enum { READ_SIZE = 512 };

struct jig_prompt {
    struct jig_loop *loop;
    struct jig_watch *watch;
    struct jig_timer look;
    struct jig_prompt_options options;
    int fd;
    int64_t patience; /* loop clock: until when the terminal may show what is typed */
    size_t seen;      /* bytes of the prompt that were printed just now */
    size_t printed;   /* bytes, in all */
    bool asked, typed;
};

static bool is_shown(const struct jig_prompt *prompt)
{
    struct termios t;
    return tcgetattr(prompt->fd, &t) == 0 && (t.c_lflag & ECHO);
}

/* What a person would do: the bytes, and the key that ends a line. Whoever does not read it goes
 * without. */
static void type(struct jig_prompt *prompt)
{
    uint8_t line[JIG_SECRET_CAP + 1];
    size_t n = jig_secret_size(prompt->options.answer);
    memcpy(line, jig_secret_bytes(prompt->options.answer), n);
    line[n] = '\r';
    ssize_t written = write(prompt->fd, line, n + 1);
    (void)written;
    explicit_bzero(line, n + 1);
    prompt->typed = true;
}

static void answer(struct jig_timer *timer)
{
    struct jig_prompt *prompt = timer->data;
    int64_t now = jig_loop_now(prompt->loop);
    if (now >= prompt->patience || !is_shown(prompt) ||
        jig_timer_start(prompt->loop, timer, now + look_interval) < 0)
        type(prompt);
}

/* The prompt stands there. True when that was the second time. */
static bool asked(struct jig_prompt *prompt)
{
    prompt->seen = 0;
    if (prompt->asked)
        return prompt->typed;
    prompt->asked = true;
    prompt->patience = jig_loop_now(prompt->loop) + JIG_HANDOVER_PATIENCE;
    answer(&prompt->look);
    return false;
}

/* How much of the prompt has been printed when one more byte was: the longest end of what was
 * printed with which the prompt begins. */
static size_t follow(const char *text, size_t seen, char byte)
{
    for (size_t skip = 0; skip <= seen; skip++)
        if (text[seen - skip] == byte && memcmp(text, text + skip, seen - skip) == 0)
            return seen - skip + 1;
    return 0;
}

/* True when it asked again: who is told may free it. */
static bool look_through(struct jig_prompt *prompt, const char *bytes, size_t n)
{
    const char *text = prompt->options.text;
    for (size_t i = 0; i < n; i++) {
        prompt->seen = follow(text, prompt->seen, bytes[i]);
        if (!text[prompt->seen] && asked(prompt))
            return true;
    }
    return false;
}

/* What is printed may be what was typed: it is cleared. */
static void readable(void *data, unsigned events)
{
    struct jig_prompt *prompt = data;
    char bytes[READ_SIZE];
    (void)events;
    ssize_t n = read(prompt->fd, bytes, sizeof bytes);
    bool again = n > 0 && look_through(prompt, bytes, (size_t)n);
    explicit_bzero(bytes, sizeof bytes);
    prompt->printed += n > 0 ? (size_t)n : 0;
    bool flood = prompt->printed > prompt->options.cap;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) || again || flood)
        jig_watch_want(prompt->watch, 0); /* nobody has the other end any more, or all is said */
    if (again)
        prompt->options.again(prompt->options.data);
    else if (flood)
        prompt->options.flood(prompt->options.data);
}

struct jig_prompt *jig_prompt_new(struct jig_loop *loop, int fd,
                                  const struct jig_prompt_options *options, struct jig_error *err)
{
    struct jig_prompt *prompt = calloc(1, sizeof *prompt);
    struct jig_watch *watch = prompt ? jig_watch_new(loop, fd, readable, prompt, err) : NULL;
    if (!watch) {
        if (!prompt)
            jig_fail(err, JIG_ENOMEM, "no memory to answer a prompt");
        free(prompt);
        close(fd);
        return NULL;
    }
    *prompt = (struct jig_prompt){.loop = loop, .watch = watch, .options = *options, .fd = fd};
    prompt->look = (struct jig_timer){.fire = answer, .data = prompt};
    jig_secret_hold(options->answer);
    jig_watch_want(watch, JIG_READABLE);
    return prompt;
}

bool jig_prompt_was_asked(const struct jig_prompt *prompt)
{
    return prompt->asked;
}

void jig_prompt_free(struct jig_prompt *prompt)
{
    if (!prompt)
        return;
    jig_timer_stop(prompt->loop, &prompt->look);
    jig_watch_free(prompt->watch);
    close(prompt->fd);
    jig_secret_drop(prompt->options.answer);
    free(prompt);
}
