/* The token's PIN: getting it, comparing it, counting wrong ones. */
#include "pin.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "bytes.h"

enum { TRIES = 3, PIN_MAX = 255 };

static const char PROMPT[] = "Enter PIN for token 'simulator': ";

/* ---- getting it ---- */

/* One line, without its end. */
static bool read_line(int fd, struct sim_bytes *line)
{
    char c = 0;
    while (line->len <= PIN_MAX && read(fd, &c, 1) == 1 && c != '\n') {
        sim_bytes_byte(line, (uint8_t)c);
    }
    return c == '\n' || line->len > 0;
}

static bool read_descriptor(const char *number, struct sim_bytes *pin)
{
    unsigned long fd;
    return sim_number(number, 1023, &fd) == 0 && read_line((int)fd, pin);
}

static bool read_environment(const char *name, struct sim_bytes *pin)
{
    const char *value = getenv(name);
    if (value != NULL) {
        sim_bytes_text(pin, value);
    }
    return value != NULL;
}

/* What is typed is not shown; what was typed ahead is dropped. */
static bool ask(struct sim_bytes *pin)
{
    struct termios shown, hidden;
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (tty < 0 || tcgetattr(tty, &shown) < 0) {
        return false;
    }
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    bool got = sim_write_all(tty, PROMPT, sizeof PROMPT - 1) == 0 &&
               tcsetattr(tty, TCSAFLUSH, &hidden) == 0 && read_line(tty, pin) &&
               tcsetattr(tty, TCSAFLUSH, &shown) == 0 && sim_write_all(tty, "\n", 1) == 0;
    (void)close(tty);
    return got;
}

static bool get_pin(const char *how, struct sim_bytes *pin)
{
    if (how == NULL) {
        return false;
    }
    if (strncmp(how, "fd:", 3) == 0) {
        return read_descriptor(how + 3, pin);
    }
    if (strncmp(how, "env:", 4) == 0) {
        return read_environment(how + 4, pin);
    }
    return strcmp(how, "tty") == 0 && ask(pin);
}

/* ---- comparing it ---- */

static bool is_right(const struct sim_bytes *wanted, const struct sim_bytes *pin)
{
    size_t n = wanted->len;
    if (n > 0 && wanted->data[n - 1] == '\n') {
        n--;
    }
    return n > 0 && pin->len == n && memcmp(pin->data, wanted->data, n) == 0;
}

static off_t wrong_tries(int dir)
{
    struct stat st;
    return fstatat(dir, "pin.wrong", &st, 0) == 0 ? st.st_size : 0;
}

static void count_wrong(int dir)
{
    int fd = openat(dir, "pin.wrong", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)sim_write_all(fd, "x", 1);
        (void)close(fd);
    }
}

static enum pin_result try(int dir, const char *how, const struct sim_bytes *wanted)
{
    struct sim_bytes pin = {0};
    enum pin_result result = PIN_MISSING;
    if (get_pin(how, &pin)) {
        result = is_right(wanted, &pin) ? PIN_RIGHT : PIN_WRONG;
    }
    sim_bytes_free(&pin);
    if (result == PIN_WRONG) {
        count_wrong(dir);
    } else if (result == PIN_RIGHT) {
        (void)unlinkat(dir, "pin.wrong", 0);
    }
    return result;
}

enum pin_result pin_check(int dir, const char **why)
{
    static const char *const reasons[] = {[PIN_WRONG] = "PIN incorrect",
                                          [PIN_BLOCKED] = "PIN blocked",
                                          [PIN_MISSING] =
                                              "no PIN: the token wants one, see SIM_PIN"};
    struct sim_bytes wanted = {0};
    const char *how = getenv("SIM_PIN");
    bool at_terminal = how != NULL && strcmp(how, "tty") == 0;
    enum pin_result result = PIN_RIGHT;
    if (sim_read_file(dir, "pin", &wanted) == 0) {
        do {
            result = wrong_tries(dir) >= TRIES ? PIN_BLOCKED : try(dir, how, &wanted);
        } while (result == PIN_WRONG && at_terminal);
    }
    sim_bytes_free(&wanted);
    *why = reasons[result];
    return result;
}
