/* Runs a program in a world with USB devices that are played, which its real libusb finds:
 *
 *     mockusb build/jig spec/support/remote.lua
 *
 * The program commands the world by lines to the pipe $UMOCKDEV_DIR/ask; each is answered by one at
 * $UMOCKDEV_DIR/answer. N is a device's number on bus 1, EP an endpoint, in hex as all bytes are.
 *
 *     plug N PATH DESCRIPTION    plugs it in; PATH is its one in sysfs, DESCRIPTION what umockdev
 *                                makes it of, in hex; the second time it is the same device
 *     unplug N STATUS            what is on its way ends with STATUS, or never ("lost")
 *     set N NAME NUMBER          see below
 *     feed N EP BYTES            a packet that the device has to say
 *     fail N EP STATUS           the next transfer ends so; "hang" and "go": none does, or all do
 *     answer N REQUEST STATUS BYTES    what a control request is answered
 *     written N                  what transfers brought: a word for each
 *     state N                    files claims flying done driver alt cleared vanish
 *
 * What is set: denied (0 or 1), busy, echo, driver (1: the kernel has one), packet (its bytes),
 * room (for so many transfers the kernel has memory), vanish (after so many calls it is gone).
 *
 * What the program writes to stderr is in $UMOCKDEV_DIR/said. It must not be able to open what its
 * owner may not, so of root's rights it lacks that one. mockusb ends with it, with its status.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spec/support/mockusb.h"

enum { NODE_TEXT = 32, HANG = -1 };

static UMockdevTestbed *testbed;
static UMockdevIoctlBase *usbfs;
static bool described[MOCK_DEVICES];

static void die(const char *what)
{
    fprintf(stderr, "mockusb: %s: %s\n", what, strerror(errno));
    exit(1);
}

static char *inside(const char *path)
{
    char *root = umockdev_testbed_get_root_dir(testbed);
    char *whole = g_build_filename(root, path, NULL);
    g_free(root);
    return whole;
}

/* ---- words ---- */

static GBytes *to_bytes(const char *hex)
{
    size_t n = strlen(hex) / 2;
    guint8 *bytes = g_malloc(n + 1);
    for (size_t i = 0; i < n; i++)
        bytes[i] =
            (guint8)(g_ascii_xdigit_value(hex[2 * i]) << 4 | g_ascii_xdigit_value(hex[2 * i + 1]));
    bytes[n] = '\0';
    return g_bytes_new_take(bytes, n);
}

static int to_status(const char *name)
{
    static const struct {
        const char *name;
        int status;
    } known[] = {{"ok", 0},
                 {"lost", 0},
                 {"hang", HANG},
                 {"stall", EPIPE},
                 {"babble", EOVERFLOW},
                 {"proto", EPROTO},
                 {"nodev", ENODEV},
                 {"shutdown", ESHUTDOWN},
                 {"crc", EILSEQ}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].name, name))
            return known[i].status;
    errno = EINVAL;
    die(name);
    return 0;
}

static unsigned to_hex_number(const char *text)
{
    return (unsigned)g_ascii_strtoull(text, NULL, 16);
}

/* ---- commands: each has its device, and says more than "ok" if it has more to say ---- */

static void make_node(struct mock_device *device, const char *node)
{
    char *path = inside(node);
    device->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (device->master < 0 || grantpt(device->master) < 0 || unlockpt(device->master) < 0)
        die("no pseudo-terminal");
    const char *slave = ptsname(device->master);
    device->slave = open(slave, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (device->slave < 0 || (unlink(path) < 0 && errno != ENOENT) || symlink(slave, path) < 0)
        die(path);
    g_free(path);
}

static void forget(struct mock_device *device)
{
    for (int i = 0; i < MOCK_POINTS; i++)
        g_queue_clear_full(&device->points[i].packets, (GDestroyNotify)g_bytes_unref);
    g_queue_clear_full(&device->written, (GDestroyNotify)g_bytes_unref);
    for (int i = 0; i < MOCK_ANSWERS; i++)
        g_clear_pointer(&device->answers[i].bytes, g_bytes_unref);
    *device = (struct mock_device){
        .epoch = device->epoch + 1, .files = device->files, .packet = 64, .room = -1};
}

/* The entry by which all look for devices. */
static char *entry_of(const char *path)
{
    char *name = g_path_get_basename(path),
         *in_bus = g_build_filename("/sys/bus/usb/devices", name, NULL);
    char *entry = inside(in_bus);
    g_free(in_bus);
    g_free(name);
    return entry;
}

static void describe(unsigned number, const char *node, const char *description)
{
    GError *error = NULL;
    GBytes *text = to_bytes(description);
    if (!umockdev_testbed_attach_ioctl(testbed, node, usbfs, &error) ||
        !umockdev_testbed_add_from_string(testbed, g_bytes_get_data(text, NULL), &error))
        g_error("%s", error->message);
    g_bytes_unref(text);
    described[number] = true;
}

static void show(const char *path)
{
    char *entry = entry_of(path), *target = g_strconcat("../../..", path + strlen("/sys"), NULL);
    if (symlink(target, entry) < 0 && errno != EEXIST)
        die(entry);
    g_free(target);
    g_free(entry);
}

static void hide(const char *path)
{
    char *entry = entry_of(path);
    if (unlink(entry) < 0)
        die(entry);
    g_free(entry);
}

static void plug(struct mock_device *device, unsigned number, char *const *words)
{
    char node[NODE_TEXT];
    snprintf(node, sizeof node, "/dev/bus/usb/001/%03u", number);
    g_mutex_lock(&mock_lock);
    forget(device);
    g_mutex_unlock(&mock_lock);
    if (!described[number])
        describe(number, node, words[1]);
    make_node(device, node);
    g_mutex_lock(&mock_lock);
    device->path = g_strdup(words[0]);
    mock_pump(device);
    g_mutex_unlock(&mock_lock);
    show(device->path);
    umockdev_testbed_uevent(testbed, device->path, "add");
}

static void unplug(struct mock_device *device, unsigned number, const char *status)
{
    char node[NODE_TEXT];
    snprintf(node, sizeof node, "/dev/bus/usb/001/%03u", number);
    char *in_dev = inside(node), *path = device->path;
    g_mutex_lock(&mock_lock);
    mock_hang_up(device, to_status(status));
    device->path = NULL;
    unlink(in_dev);
    close(device->slave);
    g_mutex_unlock(&mock_lock);
    hide(path);
    umockdev_testbed_uevent(testbed, path, "remove");
    g_free(path);
    g_free(in_dev);
}

static void set(struct mock_device *device, const char *name, int number)
{
    if (!strcmp(name, "denied") && fchmod(device->slave, number ? 0 : 0600) < 0)
        die("chmod");
    if (!strcmp(name, "busy"))
        device->busy = number;
    if (!strcmp(name, "driver"))
        device->driver = number;
    if (!strcmp(name, "echo"))
        device->echo = number;
    if (!strcmp(name, "vanish"))
        device->vanish = number;
    if (!strcmp(name, "packet"))
        device->packet = (unsigned)number;
    if (!strcmp(name, "room"))
        device->room = number;
}

static void fail(struct mock_point *point, const char *how)
{
    point->hangs = !strcmp(how, "hang");
    if (!point->hangs && strcmp(how, "go") != 0)
        point->status = to_status(how);
}

static void answer(struct mock_device *device, char *const *words)
{
    struct mock_answer *a = device->answers;
    int request = (int)to_hex_number(words[0]);
    while (a->bytes && a->request != request)
        a++;
    if (a->bytes)
        g_bytes_unref(a->bytes);
    *a = (struct mock_answer){request, to_status(words[1]), to_bytes(words[2] ? words[2] : "")};
}

static void say_written(struct mock_device *device, GString *out)
{
    for (GBytes *b; (b = g_queue_pop_head(&device->written)); g_bytes_unref(b)) {
        size_t n;
        const guint8 *bytes = g_bytes_get_data(b, &n);
        g_string_append(out, n ? " " : " -");
        for (size_t i = 0; i < n; i++)
            g_string_append_printf(out, "%02x", bytes[i]);
    }
}

static void say_state(const struct mock_device *device, GString *out)
{
    struct mock_use use = mock_used(device);
    g_string_append_printf(out, " %u %u %u %u %d %d %d %d", use.files, use.claims, use.flying,
                           use.done, device->driver, device->alt, device->cleared, device->vanish);
}

static void obey_locked(struct mock_device *device, char *const *words, GString *out)
{
    if (!strcmp(words[0], "set"))
        set(device, words[2], atoi(words[3]));
    else if (!strcmp(words[0], "feed"))
        g_queue_push_tail(&mock_point(device, to_hex_number(words[2]))->packets,
                          to_bytes(words[3] ? words[3] : ""));
    else if (!strcmp(words[0], "fail"))
        fail(mock_point(device, to_hex_number(words[2])), words[3]);
    else if (!strcmp(words[0], "answer"))
        answer(device, words + 2);
    else if (!strcmp(words[0], "written"))
        say_written(device, out);
    else if (!strcmp(words[0], "state"))
        say_state(device, out);
    mock_pump(device);
}

static void obey(char *const *words, GString *out)
{
    bool whole = g_strv_length((char **)words) >= 2;
    unsigned number = whole ? (unsigned)atoi(words[1]) : MOCK_DEVICES;
    struct mock_device *device = mock_device(number);
    g_string_assign(out, "ok");
    if (!whole || !device)
        g_string_assign(out, "no such device");
    else if (!strcmp(words[0], "plug"))
        plug(device, number, words + 2);
    else if (!strcmp(words[0], "unplug"))
        unplug(device, number, words[2]);
    else {
        g_mutex_lock(&mock_lock);
        obey_locked(device, words, out);
        g_mutex_unlock(&mock_lock);
    }
}

/* ---- the program ---- */

struct pipes {
    FILE *ask;
    int answer;
};

static int make_pipe(const char *name)
{
    char *path = inside(name);
    if (mkfifo(path, 0600) < 0)
        die(path);
    int fd = open(path, O_RDWR | O_CLOEXEC); /* both ways: so it never ends */
    g_free(path);
    return fd < 0 ? (die(name), -1) : fd;
}

static void *obey_all(void *data)
{
    struct pipes *pipes = data;
    GString *out = g_string_new("");
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, pipes->ask) > 0) {
        char **words = g_strsplit(g_strchomp(line), " ", 0);
        obey(words, out);
        g_strfreev(words);
        g_string_append_c(out, '\n');
        if (write(pipes->answer, out->str, out->len) < (ssize_t)out->len)
            die("answer");
    }
    return NULL;
}

/* libumockdev too needs what it preloads. The libraries of others stay in front: a sanitizer has
 * to. */
static void preload(char **argv)
{
    static const char library[] = "libumockdev-preload.so.0";
    const char *before = getenv("LD_PRELOAD");
    if (before && strstr(before, library)) {
        if (!dlopen(library, RTLD_NOW | RTLD_NOLOAD)) {
            fprintf(stderr, "mockusb: the package umockdev is missing: %s\n", dlerror());
            exit(1);
        }
        return;
    }
    char *all = g_strjoin(before ? ":" : "", before ? before : "", library, NULL);
    g_setenv("LD_PRELOAD", all, TRUE);
    execv("/proc/self/exe", argv);
    die("/proc/self/exe");
}

/* In the child. */
static void run(char **argv)
{
    char *said = inside("said");
    int fd = open(said, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
        die(said);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE);
    g_setenv("LIBUSB_DEBUG", "2", FALSE); /* it warns of what was not given back */
    execvp(argv[0], argv);
    die(argv[0]);
}

static pid_t child;

static void pass_on(int signum)
{
    kill(child, signum);
}

int main(int argc, char **argv)
{
    struct pipes pipes;
    int status = 0;
    if (argc < 2)
        return 2;
    preload(argv);
    testbed = umockdev_testbed_new();
    usbfs = mock_usbfs_new();
    pipes.ask = fdopen(make_pipe("ask"), "r");
    pipes.answer = make_pipe("answer");
    if (!pipes.ask)
        die("ask");
    child = fork();
    if (child == 0)
        run(argv + 1);
    signal(SIGTERM, pass_on);
    g_thread_unref(g_thread_new("ask", obey_all, &pipes));
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    g_object_unref(testbed);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
