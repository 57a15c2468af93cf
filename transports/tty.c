/* Terminals by the kernel's own interface: pseudo-terminals, and whatever libserialport does not
 * list. `tty:/dev/pts/5?baud=115200`.
 *
 * The line is raw: every byte passes as it is, nothing is echoed. The settings that were found are
 * put back on closing.
 *
 * A pseudo-terminal has no modem lines. There DTR low is the speed B0, which POSIX defines as
 * hanging up, and DTR high is the speed again: a simulator on the other side sees it with
 * tcgetattr. RTS and break have no such stand-in and are refused.
 */
#include <asm/termbits.h> /* termios2, for any speed; <termios.h> must not be seen beside it */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "transports/fd.h"
#include "transports/lock.h"
#include "transports/options.h"
#include "transports/table.h"

struct tty {
    struct jig_fd wire;
    struct termios2 before, now;
    struct jig_line line;
    bool has_modem_lines;
    bool hung_up; /* DTR is low, and shown as speed B0 */
};

struct rate {
    int64_t baud;
    tcflag_t flag;
};

/* Speeds with a name of their own. Others go as a number (BOTHER), which a program on the other
 * side of a pseudo-terminal could not read by cfgetospeed. */
static const struct rate rates[] = {
    {50, B50},           {75, B75},           {110, B110},         {134, B134},
    {150, B150},         {200, B200},         {300, B300},         {600, B600},
    {1200, B1200},       {1800, B1800},       {2400, B2400},       {4800, B4800},
    {9600, B9600},       {19200, B19200},     {38400, B38400},     {57600, B57600},
    {115200, B115200},   {230400, B230400},   {460800, B460800},   {500000, B500000},
    {576000, B576000},   {921600, B921600},   {1000000, B1000000}, {1152000, B1152000},
    {1500000, B1500000}, {2000000, B2000000}, {2500000, B2500000}, {3000000, B3000000},
    {3500000, B3500000}, {4000000, B4000000},
};

static tcflag_t rate_flag(int64_t baud)
{
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        if (rates[i].baud == baud)
            return rates[i].flag;
    }
    return BOTHER;
}

static tcflag_t parity_flags(int parity)
{
    static const tcflag_t flags[] = {
        [JIG_PARITY_NONE] = 0,
        [JIG_PARITY_ODD] = PARENB | PARODD,
        [JIG_PARITY_EVEN] = PARENB,
        [JIG_PARITY_MARK] = PARENB | CMSPAR | PARODD,
        [JIG_PARITY_SPACE] = PARENB | CMSPAR,
    };
    return flags[parity];
}

static tcflag_t bits_flag(int64_t bits)
{
    static const tcflag_t flags[] = {CS5, CS6, CS7, CS8};
    return flags[bits - 5];
}

static const tcflag_t frame_mask = CSIZE | PARENB | PARODD | CMSPAR | CSTOPB;

static void fill_settings(const struct tty *tty, struct termios2 *t)
{
    const struct jig_line *line = &tty->line;
    t->c_iflag = IGNBRK | (line->flow == JIG_FLOW_XONXOFF ? IXON | IXOFF : 0);
    t->c_oflag = 0;
    t->c_lflag = 0;
    t->c_cflag &= ~(CBAUD | (tcflag_t)(CBAUD << IBSHIFT) | frame_mask | CRTSCTS);
    t->c_cflag |= CLOCAL | CREAD | bits_flag(line->bits) | parity_flags(line->parity);
    t->c_cflag |= line->stop == 2 ? CSTOPB : 0;
    t->c_cflag |= line->flow == JIG_FLOW_RTSCTS ? CRTSCTS : 0;
    t->c_cflag |= tty->hung_up ? B0 : rate_flag(line->baud);
    t->c_ispeed = t->c_ospeed = (speed_t)line->baud;
    t->c_cc[VMIN] = 1; /* with 0 a read that finds nothing would look like the end */
    t->c_cc[VTIME] = 0;
}

/* The kernel drops what the hardware cannot do without a word. A speed may be rounded. */
static bool was_taken(const struct termios2 *asked, const struct termios2 *got)
{
    int64_t difference = (int64_t)got->c_ospeed - (int64_t)asked->c_ospeed;
    return (asked->c_cflag & frame_mask) == (got->c_cflag & frame_mask) &&
           llabs(difference) <= asked->c_ospeed / 32;
}

static int apply(struct jig_port *port, struct tty *tty, struct jig_error *err)
{
    struct termios2 asked = tty->before, got;
    fill_settings(tty, &asked);
    if (ioctl(tty->wire.fd, TCSETS2, &asked) < 0 || ioctl(tty->wire.fd, TCGETS2, &got) < 0)
        return jig_fail_sys(err, errno, "%s: cannot set up the line", port->name);
    if (tty->has_modem_lines && !was_taken(&asked, &got))
        return jig_fail(err, JIG_EUNSUPPORTED, "%s: the device cannot do %lld baud, %lld bits%s",
                        port->name, (long long)tty->line.baud, (long long)tty->line.bits,
                        tty->line.parity ? " with that parity" : "");
    return JIG_OK;
}

static int tty_open(struct jig_port *port, struct jig_error *err)
{
    static const char *const known[] = {JIG_LINE_OPTIONS, NULL};
    struct tty *tty = port->priv;
    int code = jig_port_check_options(port, known, err);
    if (code == JIG_OK && port->address.n_words != 1)
        code = jig_fail(err, JIG_EINVALID, "tty: must be tty:PATH");
    if (code == JIG_OK)
        code = jig_option_line(&port->address, &tty->line, err);
    if (code < 0)
        return code;
    int fd = jig_tty_open(port->address.words[0], port->name, err);
    if (fd < 0)
        return fd;
    int modem;
    jig_tty_exclude(fd, true);
    tty->wire.fd = fd;
    tty->has_modem_lines = ioctl(fd, TIOCMGET, &modem) == 0;
    code = ioctl(fd, TCGETS2, &tty->before) < 0
               ? jig_fail_sys(err, errno, "%s: cannot read the line's settings", port->name)
               : apply(port, tty, err);
    if (code == JIG_OK)
        code = jig_fd_start(&tty->wire, port, fd, err);
    if (code < 0) {
        jig_tty_exclude(fd, false);
        close(fd);
    }
    return code;
}

/* Closing a terminal waits for its output, up to 30 s: what has not left by now is dropped. A
 * pseudo-terminal never has output of its own, what was written is with the other side already. */
static void tty_close(struct jig_port *port)
{
    struct tty *tty = port->priv;
    int fd = tty->wire.fd, unsent = 0;
    jig_fd_stop(&tty->wire);
    if (ioctl(fd, TIOCOUTQ, &unsent) == 0 && unsent)
        ioctl(fd, TCFLSH, TCOFLUSH);
    ioctl(fd, TCSETS2, &tty->before);
    jig_tty_exclude(fd, false);
    close(fd);
}

static int tty_read(struct jig_port *port, void *bytes, size_t n, struct jig_error *err)
{
    struct tty *tty = port->priv;
    return jig_fd_read(&tty->wire, bytes, n, err);
}

static int tty_write(struct jig_port *port, const void *bytes, size_t n, struct jig_error *err)
{
    struct tty *tty = port->priv;
    return jig_fd_write(&tty->wire, bytes, n, err);
}

static int tty_want(struct jig_port *port, unsigned events, struct jig_error *err)
{
    struct tty *tty = port->priv;
    (void)err;
    return jig_fd_want(&tty->wire, events);
}

static int tty_drain(struct jig_port *port, struct jig_error *err)
{
    struct tty *tty = port->priv;
    return jig_fd_drain(&tty->wire, err);
}

static int tty_discard(struct jig_port *port, struct jig_error *err)
{
    struct tty *tty = port->priv;
    if (ioctl(tty->wire.fd, TCFLSH, TCIFLUSH) < 0)
        return jig_fail_sys(err, errno, "%s: cannot discard input", port->name);
    return JIG_OK;
}

static int set_modem_line(struct jig_port *port, int line, bool on, struct jig_error *err)
{
    struct tty *tty = port->priv;
    if (ioctl(tty->wire.fd, on ? TIOCMBIS : TIOCMBIC, &line) < 0)
        return jig_fail_sys(err, errno, "%s: cannot set %s", port->name,
                            line == TIOCM_DTR ? "dtr" : "rts");
    return JIG_OK;
}

static int set_dtr(struct jig_port *port, bool on, struct jig_error *err)
{
    struct tty *tty = port->priv;
    if (tty->has_modem_lines)
        return set_modem_line(port, TIOCM_DTR, on, err);
    tty->hung_up = !on;
    return apply(port, tty, err);
}

static int set_break(struct jig_port *port, bool on, struct jig_error *err)
{
    struct tty *tty = port->priv;
    if (ioctl(tty->wire.fd, on ? TIOCSBRK : TIOCCBRK) < 0)
        return jig_fail_sys(err, errno, "%s: cannot set break", port->name);
    return JIG_OK;
}

static int set_baud(struct jig_port *port, int64_t baud, struct jig_error *err)
{
    struct tty *tty = port->priv;
    int64_t former = tty->line.baud;
    if (baud < 1 || baud > JIG_BAUD_MAX)
        return jig_fail(err, JIG_EINVALID, "%s: no speed of %lld baud", port->name,
                        (long long)baud);
    tty->line.baud = baud;
    int code = apply(port, tty, err);
    if (code < 0)
        tty->line.baud = former;
    return code;
}

static int tty_set(struct jig_port *port, const struct jig_setting *setting, struct jig_error *err)
{
    struct tty *tty = port->priv;
    bool on = setting->number != 0;
    if (!strcmp(setting->name, "dtr"))
        return set_dtr(port, on, err);
    if (!strcmp(setting->name, "baud"))
        return set_baud(port, setting->number, err);
    if (tty->has_modem_lines && !strcmp(setting->name, "rts"))
        return set_modem_line(port, TIOCM_RTS, on, err);
    if (tty->has_modem_lines && !strcmp(setting->name, "break"))
        return set_break(port, on, err);
    return jig_fail(err, JIG_EUNSUPPORTED, "%s: this terminal has no setting '%s'", port->name,
                    setting->name);
}

static int tty_present(struct jig_loop *loop, const struct jig_address *a, struct jig_error *err)
{
    (void)loop;
    if (a->n_words != 1)
        return jig_fail(err, JIG_EINVALID, "tty: must be tty:PATH");
    return access(a->words[0], F_OK) == 0;
}

const struct jig_transport jig_transport_tty = {
    .scheme = "tty",
    .summary = "a terminal: pseudo-terminals, and devices that libserialport does not list",
    .priv_size = sizeof(struct tty),
    .open = tty_open,
    .close = tty_close,
    .read = tty_read,
    .write = tty_write,
    .want = tty_want,
    .drain = tty_drain,
    .discard = tty_discard,
    .set = tty_set,
    .present = tty_present,
};
