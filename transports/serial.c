/* Serial ports through libserialport: listed, opened and configured by it, while waiting, reading
 * and writing go by its descriptor through the loop. Its blocking calls are never used: they spin
 * when a device is unplugged.
 *
 *     serial:/dev/serial/by-path/...?baud=921600     a device by its path, any name of it
 *     serial:?vid=0403&pid=6001&serial=A17           the only device that matches
 *
 * libserialport locks nothing, so lock.h does, before it changes a setting.
 */
#include <errno.h>
#include <libserialport.h>
#include <limits.h>
#include <linux/serial.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "transports/fd.h"
#include "transports/lock.h"
#include "transports/options.h"
#include "transports/serial_find.h"
#include "transports/table.h"

struct serial {
    struct jig_fd wire;
    struct sp_port *sp;
    int lock; /* a descriptor of the same device, which carries the flock */
    char path[PATH_MAX];
    struct jig_line line;
    int rts, dtr; /* initial states */
    int64_t latency;
};

/* ---- opening ---- */

static int fail_sp(const struct jig_port *port, enum sp_return result, const char *what,
                   struct jig_error *err)
{
    switch (result) {
    case SP_ERR_FAIL:
        return jig_fail_sys(err, sp_last_error_code(), "%s: the device cannot %s", port->name,
                            what);
    case SP_ERR_MEM:
        return jig_fail(err, JIG_ENOMEM, "%s: no memory to %s", port->name, what);
    default:
        return jig_fail(err, JIG_EUNSUPPORTED, "%s: the device cannot %s", port->name, what);
    }
}

static int read_options(struct jig_port *port, struct jig_error *err)
{
    static const char *const known[] = {JIG_LINE_OPTIONS, "dtr", "latency", "pid", "rts",
                                        "serial",         "vid", NULL};
    static const char *const switches[] = {"off", "on", NULL};
    struct serial *serial = port->priv;
    const struct jig_address *a = &port->address;
    serial->rts = serial->dtr = 1;
    serial->latency = 1;
    int code = jig_port_check_options(port, known, err);
    if (code == JIG_OK)
        code = jig_option_line(a, &serial->line, err);
    if (code == JIG_OK)
        code = jig_option_word(a, "rts", switches, &serial->rts, err);
    if (code == JIG_OK)
        code = jig_option_word(a, "dtr", switches, &serial->dtr, err);
    if (code == JIG_OK)
        code = jig_address_number(a, "latency", 1, 255, &serial->latency, err);
    if (code == JIG_OK && serial->line.flow == JIG_FLOW_RTSCTS && jig_address_option(a, "rts"))
        code = jig_fail(err, JIG_EINVALID, "serial: with flow=rtscts the driver moves RTS");
    return code;
}

static const enum sp_parity parities[] = {
    [JIG_PARITY_NONE] = SP_PARITY_NONE,   [JIG_PARITY_ODD] = SP_PARITY_ODD,
    [JIG_PARITY_EVEN] = SP_PARITY_EVEN,   [JIG_PARITY_MARK] = SP_PARITY_MARK,
    [JIG_PARITY_SPACE] = SP_PARITY_SPACE,
};

static void fill_config(const struct serial *serial, struct sp_port_config *config)
{
    const struct jig_line *line = &serial->line;
    bool rtscts = line->flow == JIG_FLOW_RTSCTS;
    bool xonxoff = line->flow == JIG_FLOW_XONXOFF;
    enum sp_rts rts = serial->rts ? SP_RTS_ON : SP_RTS_OFF;
    sp_set_config_baudrate(config, (int)line->baud);
    sp_set_config_bits(config, (int)line->bits);
    sp_set_config_parity(config, parities[line->parity]);
    sp_set_config_stopbits(config, (int)line->stop);
    sp_set_config_rts(config, rtscts ? SP_RTS_FLOW_CONTROL : rts);
    sp_set_config_cts(config, rtscts ? SP_CTS_FLOW_CONTROL : SP_CTS_IGNORE);
    sp_set_config_dtr(config, serial->dtr ? SP_DTR_ON : SP_DTR_OFF);
    sp_set_config_dsr(config, SP_DSR_IGNORE);
    sp_set_config_xon_xoff(config, xonxoff ? SP_XONXOFF_INOUT : SP_XONXOFF_DISABLED);
}

/* The kernel drops what the hardware cannot do without a word. A speed may be rounded. */
static bool was_taken(const struct jig_line *line, const struct sp_port_config *got)
{
    int baud = 0, bits = 0, stop = 0;
    enum sp_parity parity = SP_PARITY_INVALID;
    sp_get_config_baudrate(got, &baud);
    sp_get_config_bits(got, &bits);
    sp_get_config_stopbits(got, &stop);
    sp_get_config_parity(got, &parity);
    return bits == line->bits && stop == line->stop && parity == parities[line->parity] &&
           llabs(baud - line->baud) <= line->baud / 32;
}

static enum sp_return configure(const struct serial *serial)
{
    struct sp_port_config *config;
    enum sp_return result = sp_new_config(&config);
    if (result != SP_OK)
        return result;
    fill_config(serial, config);
    result = sp_set_config(serial->sp, config);
    if (result == SP_OK)
        result = sp_get_config(serial->sp, config);
    if (result == SP_OK && !was_taken(&serial->line, config))
        result = SP_ERR_SUPP;
    sp_free_config(config);
    return result;
}

/* Two things that libserialport 0.1.1 leaves undone: VMIN stays 0, with which a read that finds
 * nothing answers the same as one of an unplugged device, and hardware flow control is written to
 * c_iflag, where the kernel does not look for it. */
static int finish_line(const struct jig_port *port, int fd, struct jig_error *err)
{
    const struct serial *serial = port->priv;
    struct termios t;
    if (tcgetattr(fd, &t) < 0)
        return jig_fail_sys(err, errno, "%s: cannot set up the line", port->name);
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    t.c_cflag &= ~CRTSCTS;
    t.c_cflag |= serial->line.flow == JIG_FLOW_RTSCTS ? CRTSCTS : 0;
    if (tcsetattr(fd, TCSANOW, &t) < 0)
        return jig_fail_sys(err, errno, "%s: cannot set up the line", port->name);
    return JIG_OK;
}

static bool write_number(const char *path, int64_t number)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return false;
    bool written = fprintf(file, "%lld\n", (long long)number) > 0;
    return fclose(file) == 0 && written;
}

/* How long a USB adapter collects bytes before it hands them over, 16 ms by default. Its driver has
 * a file for it, which udev rules may open to others than root; the flag asks some drivers for 1.
 */
static bool set_latency(const struct serial *serial, int64_t milliseconds)
{
    char path[sizeof serial->path + 64];
    struct serial_struct about;
    const char *slash = strrchr(serial->path, '/');
    snprintf(path, sizeof path, "/sys/class/tty/%s/device/latency_timer",
             slash ? slash + 1 : serial->path);
    if (write_number(path, milliseconds))
        return true;
    if (milliseconds > 1 || ioctl(serial->wire.fd, TIOCGSERIAL, &about) < 0)
        return false;
    about.flags |= (int)ASYNC_LOW_LATENCY;
    return ioctl(serial->wire.fd, TIOCSSERIAL, &about) == 0;
}

/* Opens the device, which is locked, and brings it into the state that the address asks for. */
static int set_up(struct jig_port *port, struct jig_error *err)
{
    struct serial *serial = port->priv;
    int fd = -1;
    enum sp_return result = sp_open(serial->sp, SP_MODE_READ_WRITE);
    if (result != SP_OK)
        return fail_sp(port, result, "be opened", err);
    jig_tty_exclude(serial->lock, true);
    result = configure(serial);
    if (result == SP_OK)
        result = sp_get_port_handle(serial->sp, &fd);
    int code = result == SP_OK ? finish_line(port, fd, err)
                               : fail_sp(port, result, "be set up as the address asks", err);
    if (code == JIG_OK)
        code = jig_fd_start(&serial->wire, port, fd, err);
    if (code < 0) {
        jig_tty_exclude(serial->lock, false);
        sp_close(serial->sp);
    }
    return code;
}

static int serial_open(struct jig_port *port, struct jig_error *err)
{
    struct serial *serial = port->priv;
    int code = read_options(port, err);
    if (code == JIG_OK)
        code = jig_serial_find(&port->address, port->name, serial->path, err);
    if (code < 0)
        return code;
    serial->lock = jig_tty_open(serial->path, port->name, err);
    if (serial->lock < 0)
        return serial->lock;
    if (sp_get_port_by_name(serial->path, &serial->sp) == SP_OK)
        code = set_up(port, err);
    else
        code = jig_fail(err, JIG_EUNSUPPORTED, "%s: %s is not a serial port (try tty:%s)",
                        port->name, serial->path, serial->path);
    if (code < 0) {
        sp_free_port(serial->sp);
        close(serial->lock);
        return code;
    }
    if (!set_latency(serial, serial->latency))
        jig_log(port->log, JIG_LOG_DEBUG, "%s: the latency timer cannot be set", port->name);
    return JIG_OK;
}

/* Closing a serial port waits for its output, up to 30 s: what has not left by now is dropped. */
static void serial_close(struct jig_port *port)
{
    struct serial *serial = port->priv;
    int unsent = 0;
    jig_fd_stop(&serial->wire);
    if (ioctl(serial->lock, TIOCOUTQ, &unsent) == 0 && unsent)
        tcflush(serial->lock, TCOFLUSH);
    jig_tty_exclude(serial->lock, false);
    sp_close(serial->sp);
    sp_free_port(serial->sp);
    close(serial->lock);
}

/* ---- bytes ---- */

static int serial_read(struct jig_port *port, void *bytes, size_t n, struct jig_error *err)
{
    struct serial *serial = port->priv;
    return jig_fd_read(&serial->wire, bytes, n, err);
}

static int serial_write(struct jig_port *port, const void *bytes, size_t n, struct jig_error *err)
{
    struct serial *serial = port->priv;
    return jig_fd_write(&serial->wire, bytes, n, err);
}

static int serial_want(struct jig_port *port, unsigned events, struct jig_error *err)
{
    struct serial *serial = port->priv;
    (void)err;
    return jig_fd_want(&serial->wire, events);
}

static int serial_drain(struct jig_port *port, struct jig_error *err)
{
    struct serial *serial = port->priv;
    return jig_fd_drain(&serial->wire, err);
}

static int serial_discard(struct jig_port *port, struct jig_error *err)
{
    struct serial *serial = port->priv;
    if (tcflush(serial->wire.fd, TCIFLUSH) < 0)
        return jig_fail_sys(err, errno, "%s: cannot discard input", port->name);
    return JIG_OK;
}

/* ---- settings ---- */

static enum sp_return set_dtr(struct serial *serial, int64_t number)
{
    return sp_set_dtr(serial->sp, number ? SP_DTR_ON : SP_DTR_OFF);
}

static enum sp_return set_rts(struct serial *serial, int64_t number)
{
    if (serial->line.flow == JIG_FLOW_RTSCTS)
        return SP_ERR_SUPP;
    return sp_set_rts(serial->sp, number ? SP_RTS_ON : SP_RTS_OFF);
}

static enum sp_return set_break(struct serial *serial, int64_t number)
{
    return number ? sp_start_break(serial->sp) : sp_end_break(serial->sp);
}

static enum sp_return set_baud(struct serial *serial, int64_t number)
{
    if (number < 1 || number > JIG_BAUD_MAX)
        return SP_ERR_ARG;
    return sp_set_baudrate(serial->sp, (int)number);
}

static enum sp_return set_latency_timer(struct serial *serial, int64_t number)
{
    return number >= 1 && set_latency(serial, number) ? SP_OK : SP_ERR_SUPP;
}

static const struct {
    const char *name;
    const char *what; /* completes "cannot ..." */
    enum sp_return (*set)(struct serial *serial, int64_t number);
} settings[] = {
    {"baud", "set that speed", set_baud}, {"break", "set break", set_break},
    {"dtr", "set DTR", set_dtr},          {"latency", "set its latency timer", set_latency_timer},
    {"rts", "set RTS", set_rts},
};

static int serial_set(struct jig_port *port, const struct jig_setting *setting,
                      struct jig_error *err)
{
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (strcmp(settings[i].name, setting->name) != 0)
            continue;
        enum sp_return result = settings[i].set(port->priv, setting->number);
        return result == SP_OK ? JIG_OK : fail_sp(port, result, settings[i].what, err);
    }
    return jig_fail(err, JIG_EUNSUPPORTED, "%s: a serial port has no setting '%s'", port->name,
                    setting->name);
}

const struct jig_transport jig_transport_serial = {
    .scheme = "serial",
    .summary = "a serial port or USB adapter, through libserialport",
    .priv_size = sizeof(struct serial),
    .open = serial_open,
    .close = serial_close,
    .read = serial_read,
    .write = serial_write,
    .want = serial_want,
    .drain = serial_drain,
    .discard = serial_discard,
    .set = serial_set,
    .present = jig_serial_present,
    .list = jig_serial_list,
};
