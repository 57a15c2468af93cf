/* jig's own standard input as a wire that is read: what a person types, a barcode scanner that acts
 * as a keyboard, or another program's lines. `stdin:-`
 *
 * It is opened anew by its name: the descriptor that jig was given may be shared with stdout, where
 * not waiting would tear what is printed. A terminal goes on to edit lines, but what is typed is
 * not shown, since it would land in the middle of a screen that is drawn there; its settings are
 * put back on closing.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "transports/fd.h"
#include "transports/table.h"

struct input {
    struct jig_fd wire;
    struct termios before;
    bool silenced;
};

/* To change a terminal from the background would stop jig. */
static bool may_change(int fd)
{
    return isatty(fd) && tcgetpgrp(fd) == getpgrp();
}

static void silence(struct input *input, int fd)
{
    struct termios quiet;
    if (!may_change(fd) || tcgetattr(fd, &input->before) < 0)
        return;
    quiet = input->before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    input->silenced = tcsetattr(fd, TCSANOW, &quiet) == 0;
}

static int input_open(struct jig_port *port, struct jig_error *err)
{
    static const char *const known[] = {NULL};
    struct input *input = port->priv;
    int code = jig_port_check_options(port, known, err);
    if (code == JIG_OK && (port->address.n_words != 1 || strcmp(port->address.words[0], "-") != 0))
        code = jig_fail(err, JIG_EINVALID, "stdin: must be stdin:-");
    if (code < 0)
        return code;
    int fd = open("/dev/stdin", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return jig_fail_sys(err, errno, "%s: cannot open the standard input", port->name);
    if (jig_fd_start(&input->wire, port, fd, NULL) < 0) {
        close(fd);
        return jig_fail(err, JIG_EUNSUPPORTED,
                        "%s: what the standard input is cannot be waited for: it must be a "
                        "terminal or a pipe",
                        port->name);
    }
    silence(input, fd);
    return JIG_OK;
}

static void input_close(struct jig_port *port)
{
    struct input *input = port->priv;
    jig_fd_stop(&input->wire);
    if (input->silenced && may_change(input->wire.fd))
        tcsetattr(input->wire.fd, TCSANOW, &input->before);
    close(input->wire.fd);
}

static int input_read(struct jig_port *port, void *bytes, size_t n, struct jig_error *err)
{
    struct input *input = port->priv;
    int got = jig_fd_read(&input->wire, bytes, n, err);
    return got == JIG_ELOST ? jig_fail(err, JIG_ELOST, "%s: the input has ended", port->name) : got;
}

static int input_write(struct jig_port *port, const void *bytes, size_t n, struct jig_error *err)
{
    (void)bytes;
    (void)n;
    return jig_fail(err, JIG_EUNSUPPORTED, "%s: the standard input is not written to", port->name);
}

static int input_want(struct jig_port *port, unsigned events, struct jig_error *err)
{
    struct input *input = port->priv;
    (void)err;
    return jig_fd_want(&input->wire, events);
}

const struct jig_transport jig_transport_stdin = {
    .scheme = "stdin",
    .summary = "jig's own standard input, to be read: a keyboard, a barcode scanner",
    .priv_size = sizeof(struct input),
    .open = input_open,
    .close = input_close,
    .read = input_read,
    .write = input_write,
    .want = input_want,
};
