/* See watchdog.h. */
#include "bindings/watchdog.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STACK = 64 << 10, SECOND_MS = 1000 };

struct jig_watchdog {
    struct jig_meter *meter;
    unsigned seconds;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ending;
};

/* Only what does not wait for anything that the other thread may hold. */
static void end_process(const struct jig_watchdog *dog)
{
    char line[192];
    const char *name = atomic_load_explicit(&dog->meter->name, memory_order_relaxed);
    int n = snprintf(line, sizeof line,
                     "jig: slot %s has not come back for %u s from what cannot be suspended; the "
                     "process ends, and the next start reports what is open\n",
                     name && *name ? name : "?", dog->seconds);
    if (write(STDERR_FILENO, line, (size_t)n) < 0)
        _exit(JIG_WATCHDOG_STATUS);
    _exit(JIG_WATCHDOG_STATUS);
}

/* Sleeps for a second; false: it is time to end. */
static bool sleep_on(struct jig_watchdog *dog)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    int rc = 0;
    pthread_mutex_lock(&dog->lock);
    while (!dog->ending && rc == 0)
        rc = pthread_cond_timedwait(&dog->wake, &dog->lock, &until);
    bool ending = dog->ending;
    pthread_mutex_unlock(&dog->lock);
    return !ending;
}

static void *watch(void *data)
{
    struct jig_watchdog *dog = data;
    unsigned before = 0, same = 0;
    while (sleep_on(dog)) {
        unsigned turns = atomic_load_explicit(&dog->meter->turns, memory_order_acquire);
        same = turns % 2 == 1 && turns == before ? same + 1 : 0;
        before = turns;
        if (same >= dog->seconds && atomic_load(&dog->meter->name))
            end_process(dog);
    }
    return NULL;
}

/* Signals are for the loop's thread. */
static int start_thread(struct jig_watchdog *dog)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&dog->thread, &attributes, watch, dog);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return rc;
}

struct jig_watchdog *jig_watchdog_new(struct jig_meter *meter, unsigned seconds,
                                      struct jig_error *err)
{
    pthread_condattr_t clock;
    struct jig_watchdog *dog = calloc(1, sizeof *dog);
    if (!dog) {
        jig_fail(err, JIG_ENOMEM, "no memory for a watchdog");
        return NULL;
    }
    dog->meter = meter;
    dog->seconds = seconds;
    pthread_mutex_init(&dog->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&dog->wake, &clock);
    pthread_condattr_destroy(&clock);
    int rc = start_thread(dog);
    if (rc == 0)
        return dog;
    jig_fail_sys(err, rc, "cannot start the watchdog");
    free(dog);
    return NULL;
}

void jig_watchdog_free(struct jig_watchdog *dog)
{
    if (!dog)
        return;
    pthread_mutex_lock(&dog->lock);
    dog->ending = true;
    pthread_cond_signal(&dog->wake);
    pthread_mutex_unlock(&dog->lock);
    pthread_join(dog->thread, NULL);
    pthread_cond_destroy(&dog->wake);
    pthread_mutex_destroy(&dog->lock);
    free(dog);
}
