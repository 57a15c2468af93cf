/* Plugs a USB device of the rig into the kernel's vhci_hcd, and does to it what it is told on
 * standard input.
 *
 *     plug [--product pipe|token|ftdi] [--port N] [--serial TEXT] [PROGRAM ARGUMENT...]
 *
 * PROGRAM is started whenever the device is plugged in, on a socket that is its standard input and
 * output, and killed when it is unplugged. A command is a line and is answered by one: "ok", what
 * was asked for, or "error ...". Lines that nobody asked for begin with "!".
 *
 *     plug                  "ok SECONDS" when the kernel has been told
 *     unplug                "ok SECONDS"
 *     hang EP, go EP        requests at an endpoint (hexadecimal, as 81; 00 is control) wait, and
 * go on stall EP, babble EP   how the next request there ends packet EP N           packets to the
 * host have N bytes at most event HEX             a packet on the interrupt endpoint zero EP a
 * packet of zero bytes cut received|sent N   unplugged after so many bytes of its bulk endpoints:
 * "! cut SECONDS" counts                "pending=N waiting=N received=N sent=N": requests of the
 * host that wait, bytes
 *
 * SECONDS are of CLOCK_MONOTONIC. It ends, and the device is unplugged, when its input does.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spec/rig/firmware.h"

enum { LINE = 256, LOOK_MS = 2, LEAVE_MS = 20 };

static struct bus bus = {.fd = -1, .cut_received = UINT64_MAX, .cut_sent = UINT64_MAX};
static struct firmware firmware;
static unsigned port;
static char **program;
static pid_t child;
static bool coming; /* shall be plugged in as soon as the port is free */
static bool asked;  /* ... which a command waits for */

/* ---- the program behind the device ---- */

static void start_program(void)
{
    int ends[2];
    if (!program || !firmware.product->has_program(&firmware))
        return;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        abort();
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        execv(program[0], program);
        _exit(127);
    }
    close(ends[1]);
    firmware.program = ends[0];
}

static void end_program(void)
{
    if (firmware.program < 0)
        return;
    close(firmware.program);
    firmware.program = -1;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void hear_program(void)
{
    static uint8_t bytes[16384];
    ssize_t n = read(firmware.program, bytes, sizeof bytes);
    if (n > 0)
        firmware.product->answer(&firmware, bytes, (size_t)n);
    else
        end_program();
}

/* ---- plugging ---- */

static void unplug(void)
{
    coming = false;
    bus_end(&bus);
    end_program();
}

static void try_plug(void)
{
    if (!usbip_is_free(port))
        return;
    int fd = usbip_plug(port, firmware.product->speed);
    coming = false;
    if (fd < 0) {
        printf("error %s\n", strerror(errno));
        return;
    }
    bus_begin(&bus, fd);
    firmware_boot(&firmware);
    start_program();
    if (asked)
        printf("ok %.6f\n", firmware_clock());
    else
        printf("! back %.6f\n", firmware_clock());
}

/* As the token does it: the answer first, then it is gone, and comes back as another. */
static void switch_mode(void)
{
    usleep(LEAVE_MS * 1000);
    double at = firmware_clock();
    unplug();
    printf("! left %.6f\n", at);
    coming = true;
    asked = false;
}

static void cut(void)
{
    double at = firmware_clock();
    unplug();
    printf("! cut %.6f\n", at);
    bus.cut_received = bus.cut_sent = UINT64_MAX;
}

/* ---- commands ---- */

static void send_event(const char *hex)
{
    uint8_t bytes[8];
    size_t n = 0;
    unsigned value;
    while (n < sizeof bytes && sscanf(hex + 2 * n, "%2x", &value) == 1)
        bytes[n++] = (uint8_t)value;
    bus_send(&bus, firmware.product->event, bytes, n);
}

/* Commands about an endpoint. */
static bool trouble(const char *verb, unsigned address, unsigned value)
{
    struct bus_endpoint *e = bus_endpoint(&bus, address);
    if (!strcmp(verb, "hang"))
        e->hangs = true;
    else if (!strcmp(verb, "go"))
        e->hangs = false;
    else if (!strcmp(verb, "stall"))
        e->strikes = -EPIPE;
    else if (!strcmp(verb, "babble"))
        e->strikes = -EOVERFLOW;
    else if (!strcmp(verb, "packet") && value && value <= BUS_PACKET)
        e->packet = value;
    else if (!strcmp(verb, "zero"))
        bus_send(&bus, address, (const uint8_t *)"", 0);
    else
        return false;
    bus_resume(&bus);
    return true;
}

static void obey(const char *line)
{
    char verb[16] = "", word[32] = "";
    unsigned value = 0;
    int n = sscanf(line, "%15s %31s %u", verb, word, &value);
    if (!strcmp(verb, "plug")) {
        firmware.next_mode = 0;
        coming = asked = bus.fd < 0;
        if (!coming)
            puts("error it is plugged in");
    } else if (!strcmp(verb, "unplug")) {
        double at = firmware_clock();
        unplug();
        printf("ok %.6f\n", at);
    } else if (!strcmp(verb, "counts")) {
        printf("pending=%u waiting=%zu divisor=%u latency=%u received=%llu sent=%llu\n",
               bus_pending(&bus), bus_endpoint(&bus, firmware.product->in)->waiting,
               firmware.divisor, firmware.latency, (unsigned long long)bus.received,
               (unsigned long long)bus.sent);
    } else if (!strcmp(verb, "event")) {
        send_event(word);
        puts("ok");
    } else if (!strcmp(verb, "cut") && n == 3) {
        *(word[0] == 'r' ? &bus.cut_received : &bus.cut_sent) = value;
        puts("ok");
    } else {
        puts(n > 1 && trouble(verb, (unsigned)strtoul(word, NULL, 16), value)
                 ? "ok"
                 : "error what is that?");
    }
}

/* False when there are no more. */
static bool hear_commands(void)
{
    static char line[LINE];
    static size_t used;
    ssize_t n = read(STDIN_FILENO, line + used, sizeof line - 1 - used);
    if (n <= 0)
        return false;
    used += (size_t)n;
    line[used] = '\0';
    for (char *end = strchr(line, '\n'); end; end = strchr(line, '\n')) {
        *end = '\0';
        obey(line);
        used -= (size_t)(end + 1 - line);
        memmove(line, end + 1, used + 1);
    }
    return used < sizeof line - 1;
}

/* ---- life ---- */

/* What is behind an adapter runs while its reset line is high. */
static void keep_reset(void)
{
    static bool was_low;
    if (firmware.resets && !was_low)
        end_program();
    if (!firmware.resets && was_low && firmware.program < 0)
        start_program();
    was_low = firmware.resets;
}

static void tell_configured(void)
{
    static bool told;
    if (firmware.configured && !told)
        printf("! configured %.6f\n", firmware_clock());
    told = firmware.configured;
}

static bool line_is_full(void)
{
    return bus_endpoint(&bus, firmware.product->out)->waits;
}

/* Milliseconds, up to when something is to be done; -1 = there is nothing. */
static int next_look(void)
{
    if (coming)
        return LOOK_MS;
    if (!line_is_full())
        return -1;
    double left = firmware.full_until - firmware_clock();
    return left > 0 ? (int)(left * 1000) + 1 : 0;
}

static void go_on(void)
{
    if (!line_is_full() || firmware.full_until > firmware_clock())
        return;
    bus_endpoint(&bus, firmware.product->out)->waits = false;
    bus_resume(&bus);
}

static bool turn(void)
{
    struct pollfd fds[] = {
        {STDIN_FILENO, POLLIN, 0}, {bus.fd, POLLIN, 0}, {firmware.program, POLLIN, 0}};
    if (poll(fds, 3, next_look()) < 0)
        return errno == EINTR;
    if (coming)
        try_plug();
    if (fds[2].revents && firmware.program >= 0)
        hear_program();
    if (fds[1].revents && bus.fd >= 0 && !bus_step(&bus))
        unplug();
    if (bus.fd >= 0)
        go_on();
    if (bus.fd >= 0 && bus_is_cut(&bus))
        cut();
    if (bus.fd >= 0)
        keep_reset();
    tell_configured();
    if (bus.fd >= 0 && firmware.next_mode != firmware.mode)
        switch_mode();
    return !fds[0].revents || hear_commands();
}

static const struct product *product_named(const char *name)
{
    static const struct product *const all[] = {&product_pipe, &product_token, &product_ftdi, NULL};
    for (size_t i = 0; all[i]; i++) {
        if (!strcmp(all[i]->name, name))
            return all[i];
    }
    fprintf(stderr, "plug: there is no product %s\n", name);
    exit(2);
}

int main(int argc, char **argv)
{
    const struct product *product = &product_pipe;
    int i = 1;
    firmware.serial = "RIG0001";
    for (; i + 1 < argc && !strncmp(argv[i], "--", 2); i += 2) {
        if (!strcmp(argv[i], "--product"))
            product = product_named(argv[i + 1]);
        else if (!strcmp(argv[i], "--port"))
            port = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else if (!strcmp(argv[i], "--serial"))
            firmware.serial = argv[i + 1];
        else
            return fprintf(stderr, "plug: what is %s?\n", argv[i]), 2;
    }
    program = i < argc ? argv + i : NULL;
    setvbuf(stdout, NULL, _IOLBF, 0);
    firmware_begin(&firmware, product, &bus);
    while (turn())
        continue;
    unplug();
    return 0;
}
