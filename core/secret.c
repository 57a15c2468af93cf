/* See secret.h. */
#include "core/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "core/guard.h"

struct jig_secret {
    size_t holders, size;
    uint8_t bytes[];
};

/* Each has pages of its own. OpenSSL's secure heap would be a few of them for the whole process:
 * its own keys go there, too, once it is there, and none is made when it is full. */
static struct jig_secret *take_pages(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    mlock(pages, size); /* as far as the system lets so much be locked */
    madvise(pages, size, MADV_DONTDUMP);
    return pages;
}

struct jig_secret *jig_secret_new(const void *bytes, size_t n)
{
    struct jig_secret *secret = take_pages(sizeof *secret + n);
    if (!secret)
        return NULL;
    secret->holders = 1;
    secret->size = n;
    memcpy(secret->bytes, bytes, n);
    return secret;
}

struct jig_secret *jig_secret_hold(struct jig_secret *secret)
{
    secret->holders++;
    return secret;
}

void jig_secret_drop(struct jig_secret *secret)
{
    if (!secret || --secret->holders > 0)
        return;
    size_t size = sizeof *secret + secret->size;
    explicit_bzero(secret, size);
    munmap(secret, size);
}

const uint8_t *jig_secret_bytes(const struct jig_secret *secret)
{
    return secret->bytes;
}

size_t jig_secret_size(const struct jig_secret *secret)
{
    return secret->size;
}

bool jig_secret_is(const struct jig_secret *secret, const void *bytes, size_t n)
{
    return n == secret->size && CRYPTO_memcmp(secret->bytes, bytes, n) == 0;
}

/* For each beginning of the secret, how long the longest shorter one is that it ends with. */
static void find_borders(const struct jig_secret *secret, uint16_t *borders)
{
    const uint8_t *bytes = secret->bytes;
    borders[0] = 0;
    for (size_t i = 1, k = 0; i < secret->size; i++) {
        while (k > 0 && bytes[i] != bytes[k])
            k = borders[k - 1];
        k += bytes[i] == bytes[k];
        borders[i] = (uint16_t)k;
    }
}

/* From `at` on. No byte is looked at twice: what is written over was seen. */
static void hide_from(const struct jig_secret *secret, const uint16_t *borders, const uint8_t *text,
                      uint8_t *shown, size_t at, size_t n)
{
    for (size_t k = 0, hidden = 0; at < n; at++) {
        while (k > 0 && (k == secret->size || text[at] != secret->bytes[k]))
            k = borders[k - 1];
        k += text[at] == secret->bytes[k];
        if (k < secret->size)
            continue;
        size_t first = at + 1 - k;
        first = first > hidden ? first : hidden;
        hidden = at + 1;
        memset(shown + first, '*', hidden - first);
    }
}

/* In a time that is the text's and the secret's, however often it stands there: a search for each
 * place would take their product. `shown` may be the text itself. */
void jig_secret_hide(const struct jig_secret *secret, const void *text, void *shown, size_t n)
{
    const uint8_t *begin = text;
    const uint8_t *at = memmem(begin, n, secret->bytes, secret->size);
    if (!at)
        return;
    uint16_t borders[JIG_SECRET_CAP];
    find_borders(secret, borders);
    hide_from(secret, borders, text, shown, (size_t)(at - begin), n);
    explicit_bzero(borders, sizeof borders);
}

/* ---- where a PIN comes from ---- */

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* The line that `text` begins with. `what` is for messages, which show nothing of it. */
static struct jig_secret *one_line(const char *text, size_t n, const char *what,
                                   struct jig_error *err)
{
    if (n > 0 && text[n - 1] == '\n')
        n--;
    if (n > 0 && text[n - 1] == '\r')
        n--;
    enum jig_err code = n == 0 ? JIG_EINVALID : n > JIG_PIN_CAP ? JIG_ELIMIT : JIG_OK;
    if (code != JIG_OK) {
        jig_fail(err, code, "%s: a PIN has 1 to %d bytes, this one has %s", what, JIG_PIN_CAP,
                 n ? "more" : "none");
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (is_control(text[i])) {
            jig_fail(err, JIG_EINVALID,
                     "%s: byte %zu is a control character or a second line: a PIN is one line",
                     what, i + 1);
            return NULL;
        }
    }
    struct jig_secret *secret = jig_secret_new(text, n);
    if (!secret)
        jig_fail(err, JIG_ENOMEM, "%s: no memory", what);
    return secret;
}

static int check_readers(int fd, const char *path, bool shared, struct jig_error *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return jig_fail_sys(err, errno, "%s", path);
    if (st.st_mode & (shared ? S_IRWXO : S_IRWXG | S_IRWXO))
        return jig_fail(err, JIG_EDENIED, "%s may be read by others than its owner: chmod 0600",
                        path);
    return JIG_OK;
}

/* Room for the longest, its line end, and one byte by which a longer one is seen. */
enum { LINE_SIZE = JIG_PIN_CAP + 3 };

struct jig_secret *jig_secret_read(const char *path, bool shared, struct jig_error *err)
{
    char text[LINE_SIZE];
    struct jig_secret *secret = NULL;
    size_t used = 0;
    ssize_t n = 1;
    int fd = jig_guard_open(path, geteuid(), err);
    if (fd < 0)
        return NULL;
    if (check_readers(fd, path, shared, err) == JIG_OK) {
        while (used < sizeof text && (n = read(fd, text + used, sizeof text - used)) > 0)
            used += (size_t)n;
        if (n < 0)
            jig_fail_sys(err, errno, "%s", path);
        else
            secret = one_line(text, used, path, err);
    }
    explicit_bzero(text, sizeof text);
    close(fd);
    return secret;
}

static void cut_off(int signum)
{
    (void)signum; /* read() returns */
}

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

enum { ENDING = sizeof ending / sizeof *ending };

/* What asks the program to end ends the line. */
static void heed(struct sigaction before[ENDING])
{
    const struct sigaction action = {.sa_handler = cut_off};
    for (int i = 0; i < ENDING; i++)
        sigaction(ending[i], &action, &before[i]);
}

static void heed_as(const struct sigaction before[ENDING])
{
    for (int i = 0; i < ENDING; i++)
        sigaction(ending[i], &before[i], NULL);
}

/* Up to the end of the line, of which at most `size` bytes are kept; -1 when it was cut off. Not by
 * stdio, whose buffer would keep it. */
static ssize_t read_line(int fd, char *text, size_t size)
{
    size_t n = 0;
    char c = 0;
    ssize_t got;
    while ((got = read(fd, &c, 1)) == 1 && c != '\n')
        if (n < size)
            text[n++] = c;
    explicit_bzero(&c, sizeof c);
    return got == 1 ? (ssize_t)n : -1;
}

static void show(int fd, const char *text)
{
    ssize_t n = write(fd, text, strlen(text));
    (void)n;
}

static ssize_t ask_at(int fd, const char *prompt, char *text, size_t size)
{
    struct termios before, silent;
    struct sigaction actions[ENDING];
    if (tcgetattr(fd, &before) < 0)
        return -1;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    heed(actions);
    ssize_t n = -1;
    if (tcsetattr(fd, TCSAFLUSH, &silent) == 0) {
        show(fd, prompt);
        n = read_line(fd, text, size);
        show(fd, "\n");
    }
    tcsetattr(fd, TCSAFLUSH, &before);
    heed_as(actions);
    return n;
}

struct jig_secret *jig_secret_ask(const char *prompt, struct jig_error *err)
{
    char text[LINE_SIZE];
    struct jig_secret *secret = NULL;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        jig_fail(err, JIG_EUNSUPPORTED, "there is no terminal at which to ask for the PIN");
        return NULL;
    }
    ssize_t n = ask_at(fd, prompt, text, sizeof text);
    if (n >= 0)
        secret = one_line(text, (size_t)n, "what was typed", err);
    else
        jig_fail(err, JIG_ECANCELLED, "no PIN of 1 to %d bytes was typed", JIG_PIN_CAP);
    explicit_bzero(text, sizeof text);
    close(fd);
    return secret;
}
