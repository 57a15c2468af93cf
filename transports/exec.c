/* A program's standard input and output as the wire, as ssh's ProxyCommand does it: flashing tools,
 * gateways, simulators. `exec:program%20name --flag word`.
 *
 * The words are the argument vector; no shell sees them. The wire is a socket pair, or with pty=1 a
 * pseudo-terminal for programs that behave differently without one. stderr goes to /dev/null, or
 * with stderr=inherit to jig's own. Of jig's environment it sees what core/environment.h lets
 * through; who sets more does it by `exec:env NAME=value program`. The program's end is the end of
 * the wire and says how it ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "core/child.h"
#include "core/pty.h"
#include "transports/fd.h"
#include "transports/options.h"
#include "transports/table.h"

/* A program's descriptors are closed a moment before its end is known; so long the end of the wire
 * is held back, to say what became of the program. */
static const int64_t linger_time = 100 * JIG_MS;
static const int64_t stop_grace = JIG_SECOND;

struct exec {
    struct jig_fd wire;
    struct jig_port *port;
    struct jig_child *child; /* NULL = has ended, with `status` */
    int status;
    bool at_end; /* the wire has ended; `linger` runs while the child may yet end */
    struct jig_timer linger;
};

/* ---- the two ends of the wire: ours is non-blocking, the program's is not ---- */

static int make_sockets(int *ends)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return errno;
    return fcntl(ends[0], F_SETFL, O_RDWR | O_NONBLOCK) < 0 ? errno : 0;
}

static int make_pty(int *ends)
{
    struct termios raw;
    int rc = jig_pty_open(&ends[0], &ends[1]);
    if (rc)
        return rc;
    if (tcgetattr(ends[1], &raw) < 0)
        return errno;
    cfmakeraw(&raw);
    return tcsetattr(ends[1], TCSANOW, &raw) < 0 ? errno : 0;
}

static void close_end(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* ---- the program ---- */

/* Who waits tries again, and is told by exec_read or exec_write what happened. */
static void tell_end(struct exec *exec)
{
    jig_timer_stop(exec->port->loop, &exec->linger);
    jig_port_ready(exec->port, JIG_READABLE | JIG_WRITABLE);
}

static void program_ended(void *data, int status)
{
    struct exec *exec = data;
    exec->child = NULL;
    exec->status = status;
    tell_end(exec);
}

static void linger_over(struct jig_timer *timer)
{
    tell_end(timer->data);
}

static int start_program(struct jig_port *port, int theirs, bool show_stderr, struct jig_error *err)
{
    struct exec *exec = port->priv;
    struct jig_error why;
    const struct jig_child_options options = {
        .argv = (const char *const *)port->address.words,
        .stdio = {theirs, theirs, show_stderr ? STDERR_FILENO : -1},
    };
    exec->child = jig_child_start(port->loop, &options, program_ended, exec, &why);
    if (exec->child)
        return JIG_OK;
    if (err)
        *err = why;
    return why.code;
}

static int read_options(const struct jig_port *port, int64_t *pty, int *show_stderr,
                        struct jig_error *err)
{
    static const char *const known[] = {"pty", "stderr", NULL};
    static const char *const stderr_words[] = {"null", "inherit", NULL};
    int code = jig_port_check_options(port, known, err);
    if (code == JIG_OK)
        code = jig_address_number(&port->address, "pty", 0, 1, pty, err);
    if (code == JIG_OK)
        code = jig_option_word(&port->address, "stderr", stderr_words, show_stderr, err);
    if (code == JIG_OK && !port->address.n_words)
        code = jig_fail(err, JIG_EINVALID, "exec: must be exec:PROGRAM ARGUMENT...");
    return code;
}

static int exec_open(struct jig_port *port, struct jig_error *err)
{
    struct exec *exec = port->priv;
    int64_t pty = 0;
    int show_stderr = 0, ends[2] = {-1, -1};
    int code = read_options(port, &pty, &show_stderr, err);
    if (code < 0)
        return code;
    exec->port = port;
    exec->linger = (struct jig_timer){.fire = linger_over, .data = exec};
    int sys = pty ? make_pty(ends) : make_sockets(ends);
    code = sys ? jig_fail_sys(err, sys, "%s: cannot make the program's wire", port->name)
               : jig_fd_start(&exec->wire, port, ends[0], err);
    if (code == JIG_OK)
        code = start_program(port, ends[1], show_stderr, err);
    close_end(ends[1]);
    if (code < 0) {
        jig_fd_stop(&exec->wire);
        close_end(ends[0]);
    }
    return code;
}

static void exec_close(struct jig_port *port)
{
    struct exec *exec = port->priv;
    jig_timer_stop(port->loop, &exec->linger);
    jig_fd_stop(&exec->wire);
    close(exec->wire.fd);
    if (exec->child)
        jig_child_abandon(exec->child, stop_grace);
}

static int fail_ended(const struct exec *exec, struct jig_error *err)
{
    const char *name = exec->port->name;
    if (exec->child)
        return jig_fail(err, JIG_ELOST, "%s: the program closed its end and still runs", name);
    if (WIFSIGNALED(exec->status))
        return jig_fail(err, JIG_ELOST, "%s: the program was ended by signal %d (%s)", name,
                        WTERMSIG(exec->status), strsignal(WTERMSIG(exec->status)));
    return jig_fail(err, JIG_ELOST, "%s: the program exited with status %d", name,
                    WEXITSTATUS(exec->status));
}

/* What an ended wire means now. */
static int at_end(struct exec *exec, struct jig_error *err)
{
    struct jig_loop *loop = exec->port->loop;
    if (exec->child && !exec->at_end) {
        exec->at_end = true;
        jig_fd_want(&exec->wire, 0);
        if (jig_timer_start(loop, &exec->linger, jig_loop_now(loop) + linger_time) == JIG_OK)
            return JIG_AGAIN;
    }
    return exec->linger.place ? JIG_AGAIN : fail_ended(exec, err);
}

static int exec_read(struct jig_port *port, void *bytes, size_t n, struct jig_error *err)
{
    struct exec *exec = port->priv;
    int code = jig_fd_read(&exec->wire, bytes, n, NULL);
    bool over = code == JIG_ELOST || (code == JIG_AGAIN && (exec->at_end || !exec->child));
    return over ? at_end(exec, err) : code;
}

static int exec_write(struct jig_port *port, const void *bytes, size_t n, struct jig_error *err)
{
    struct exec *exec = port->priv;
    if (!exec->child)
        return fail_ended(exec, err);
    int code = jig_fd_write(&exec->wire, bytes, n, NULL);
    return code == JIG_ELOST ? at_end(exec, err) : code;
}

static int exec_want(struct jig_port *port, unsigned events, struct jig_error *err)
{
    struct exec *exec = port->priv;
    (void)err;
    return jig_fd_want(&exec->wire, exec->at_end ? 0 : events);
}

/* Of a pseudo-terminal this knows nothing and says 0. */
static int exec_drain(struct jig_port *port, struct jig_error *err)
{
    struct exec *exec = port->priv;
    return exec->child ? jig_fd_drain(&exec->wire, err) : fail_ended(exec, err);
}

const struct jig_transport jig_transport_exec = {
    .scheme = "exec",
    .summary = "a program's standard input and output",
    .priv_size = sizeof(struct exec),
    .open = exec_open,
    .close = exec_close,
    .read = exec_read,
    .write = exec_write,
    .want = exec_want,
    .drain = exec_drain,
};
