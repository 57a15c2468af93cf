/* See journal.h; what happens to the disk: scribe.c.
 *
 * The thread sleeps until something urgent waits, or something relaxed has waited long enough, and
 * then takes all that waits. What it shares with the loop is in `shared`, under its mutex; an entry
 * belongs to one side at a time, but for `done`, which is the loop's alone.
 */
#include "core/journal.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "core/scribe.h"

struct list {
    struct jig_entry *first, **end;
};

struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t work, back; /* for the thread; for a close that waits for it */
    struct list waiting, written;
    struct timespec linger; /* until when those that wait may wait, when none is urgent */
    bool urgent, stop;
    int lock;
    int64_t commits, unended;
    struct jig_error notice;
};

struct jig_journal {
    struct jig_loop *loop;
    const struct jig_log *log;
    struct jig_scribe *scribe; /* the thread's, while there is one */
    bool lent;
    jig_rules_fn *rules;
    void *rules_data;
    bool threaded;
    pthread_t thread;
    struct jig_bell *bell;         /* with a thread */
    struct jig_deferred delivered; /* without */
    size_t busy;
    int lock;
    int64_t commits, events, unended;
    struct shared shared;
};

static void push(struct list *list, struct jig_entry *entry)
{
    entry->next = NULL;
    *list->end = entry;
    list->end = &entry->next;
}

static struct jig_entry *take_all(struct list *list)
{
    struct jig_entry *first = list->first;
    list->first = NULL;
    list->end = &list->first;
    return first;
}

/* ---- the thread ---- */

/* With the mutex held: what to write now, NULL when it is to stop. */
static struct jig_entry *wait_for_work(struct jig_journal *j)
{
    struct shared *shared = &j->shared;
    for (bool cold = true;;) {
        if (shared->waiting.first && (shared->urgent || shared->stop))
            break;
        if (shared->stop)
            return NULL;
        if (cold && !shared->waiting.first) { /* idle: makes ready what the first unit will need */
            pthread_mutex_unlock(&shared->mutex);
            cold = jig_scribe_warm(j->scribe);
            pthread_mutex_lock(&shared->mutex);
            continue;
        }
        if (!shared->waiting.first)
            pthread_cond_wait(&shared->work, &shared->mutex);
        else if (pthread_cond_timedwait(&shared->work, &shared->mutex, &shared->linger) != 0)
            break;
    }
    shared->urgent = false;
    return take_all(&shared->waiting);
}

/* With the mutex held: gives a list that was written to the loop. */
static void hand_back(struct shared *shared, struct jig_scribe *scribe, struct jig_entry *list)
{
    while (list) {
        struct jig_entry *next = list->next;
        push(&shared->written, list);
        list = next;
    }
    shared->lock = scribe->owner.fd;
    shared->commits = scribe->commits;
    shared->unended = scribe->unended;
    if (scribe->notice.code != JIG_OK)
        shared->notice = scribe->notice;
    scribe->notice.code = JIG_OK;
}

static void *run(void *data)
{
    struct jig_journal *j = data;
    struct shared *shared = &j->shared;
    struct jig_entry *list;
    jig_scribe_open(j->scribe);
    pthread_mutex_lock(&shared->mutex);
    while ((list = wait_for_work(j))) {
        pthread_mutex_unlock(&shared->mutex);
        jig_scribe_write(j->scribe, list);
        pthread_mutex_lock(&shared->mutex);
        hand_back(shared, j->scribe, list);
        pthread_cond_signal(&shared->back);
        pthread_mutex_unlock(&shared->mutex);
        jig_bell_ring(j->bell);
        pthread_mutex_lock(&shared->mutex);
    }
    pthread_mutex_unlock(&shared->mutex);
    return NULL;
}

/* Signals are the loop's. */
static int start_thread(struct jig_journal *j, struct jig_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int sys = pthread_create(&j->thread, NULL, run, j);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    j->threaded = sys == 0;
    return sys ? jig_fail_sys(err, sys, "cannot start the journal's thread") : JIG_OK;
}

/* ---- outcomes ---- */

/* Nobody waits for it: only the log can tell. */
static void tell(const struct jig_journal *j, const struct jig_entry *entry)
{
    const char *kind = jig_event_name(entry->kind);
    if (entry->err.code != JIG_OK)
        jig_log(j->log, JIG_LOG_ERROR, "journal: '%s' of session %s: %s", kind, entry->session,
                entry->err.text);
    else if (entry->kept == JIG_KEPT_EMERGENCY)
        jig_log(j->log, JIG_LOG_WARN, "journal: '%s' of session %s: %s", kind, entry->session,
                entry->err.text);
}

static void tell_notice(const struct jig_journal *j, const struct jig_error *notice)
{
    if (notice->code != JIG_OK)
        jig_log(j->log, JIG_LOG_WARN, "journal: %s", notice->text);
}

static void finish(struct jig_journal *j, struct jig_entry *entry)
{
    j->busy--;
    j->events += entry->kept == JIG_KEPT_JOURNAL;
    free(entry->facts);
    entry->facts = NULL;
    if (entry->done) {
        entry->done(entry);
        return;
    }
    tell(j, entry);
    free(entry);
}

static void deliver(void *data)
{
    struct jig_journal *j = data;
    struct shared *shared = &j->shared;
    pthread_mutex_lock(&shared->mutex);
    struct jig_entry *list = take_all(&shared->written);
    struct jig_error notice = shared->notice;
    shared->notice.code = JIG_OK;
    j->lock = shared->lock;
    j->commits = shared->commits;
    j->unended = shared->unended;
    pthread_mutex_unlock(&shared->mutex);
    tell_notice(j, &notice);
    while (list) {
        struct jig_entry *next = list->next;
        finish(j, list);
        list = next;
    }
    if (j->bell)
        jig_bell_want(j->bell, j->busy > 0);
}

static void deliver_deferred(struct jig_deferred *deferred)
{
    deliver(deferred->data);
}

/* ---- appending ---- */

static void lose(struct jig_entry *entry)
{
    entry->kept = JIG_KEPT_NOWHERE;
    jig_fail(&entry->err, JIG_ERECORD, "not recorded");
}

static void write_here(struct jig_journal *j, struct jig_entry *entry)
{
    enum jig_ruling ruling = j->rules ? j->rules(j->rules_data, entry) : JIG_RULE_WRITE;
    entry->next = NULL;
    entry->refused = ruling == JIG_RULE_REFUSE;
    if (ruling != JIG_RULE_LOSE)
        jig_scribe_write(j->scribe, entry);
    if (ruling == JIG_RULE_LOSE || ruling == JIG_RULE_HIDE)
        lose(entry);
    hand_back(&j->shared, j->scribe, entry);
    jig_defer(j->loop, &j->delivered);
}

static void hand_over(struct jig_journal *j, struct jig_entry *entry)
{
    struct shared *shared = &j->shared;
    jig_bell_want(j->bell, true);
    pthread_mutex_lock(&shared->mutex);
    bool first = !shared->waiting.first;
    if (first) {
        clock_gettime(CLOCK_MONOTONIC, &shared->linger);
        shared->linger.tv_nsec += JIG_JOURNAL_LINGER * JIG_MS;
        shared->linger.tv_sec += shared->linger.tv_nsec / JIG_SECOND;
        shared->linger.tv_nsec %= JIG_SECOND;
    }
    push(&shared->waiting, entry);
    shared->urgent |= !entry->relaxed;
    pthread_mutex_unlock(&shared->mutex);
    if (first || !entry->relaxed)
        pthread_cond_signal(&shared->work);
}

void jig_journal_append(struct jig_journal *journal, struct jig_entry *entry)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    entry->time = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    entry->kept = JIG_KEPT_NOWHERE;
    entry->refused = false;
    journal->busy++;
    if (journal->threaded)
        hand_over(journal, entry);
    else
        write_here(journal, entry);
}

void jig_journal_fold(struct jig_journal *journal, struct jig_entry *entry)
{
    entry->kind = (enum jig_event_kind)JIG_SCRIBE_FOLD;
    entry->relaxed = false;
    jig_journal_append(journal, entry);
}

void jig_journal_forget(struct jig_journal *journal, struct jig_entry *entry)
{
    (void)journal;
    entry->done = NULL;
}

/* ---- life ---- */

static void free_journal(struct jig_journal *j)
{
    jig_bell_free(j->bell);
    jig_defer_cancel(j->loop, &j->delivered);
    pthread_cond_destroy(&j->shared.back);
    pthread_cond_destroy(&j->shared.work);
    pthread_mutex_destroy(&j->shared.mutex);
    free(j);
}

static struct jig_journal *new_journal(struct jig_loop *loop,
                                       const struct jig_journal_options *options)
{
    struct jig_journal *j = calloc(1, sizeof *j);
    pthread_condattr_t monotonic;
    if (!j)
        return NULL;
    j->loop = loop;
    j->log = options->log;
    j->rules = options->rules;
    j->rules_data = options->data;
    j->lent = options->scribe != NULL;
    j->lock = j->shared.lock = -1;
    j->delivered = (struct jig_deferred){.run = deliver_deferred, .data = j};
    take_all(&j->shared.waiting);
    take_all(&j->shared.written);
    pthread_mutex_init(&j->shared.mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&j->shared.work, &monotonic);
    pthread_cond_init(&j->shared.back, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return j;
}

/* Without a thread it is opened now. */
static int start(struct jig_journal *j, const struct jig_journal_options *options,
                 struct jig_error *err)
{
    j->scribe = j->lent ? options->scribe : jig_scribe_new(options, err);
    if (!j->scribe)
        return err->code;
    if (j->lent)
        return JIG_OK;
    if (options->here || jig_loop_clock(j->loop)->simulated) {
        jig_scribe_open(j->scribe);
        return JIG_OK;
    }
    j->bell = jig_bell_new(j->loop, deliver, j, err);
    return j->bell ? start_thread(j, err) : (int)err->code;
}

struct jig_journal *jig_journal_open(struct jig_loop *loop,
                                     const struct jig_journal_options *options,
                                     struct jig_error *err)
{
    struct jig_error ours = {.code = JIG_OK};
    struct jig_journal *j = new_journal(loop, options);
    err = err ? err : &ours;
    if (!j) {
        jig_fail(err, JIG_ENOMEM, "no memory for the journal");
        return NULL;
    }
    if (start(j, options, err) == JIG_OK)
        return j;
    if (j->scribe)
        jig_scribe_close(j->scribe, false, NULL);
    free_journal(j);
    return NULL;
}

/* Waits until nothing is under way. Each `done` may append again. */
static void drain(struct jig_journal *j)
{
    struct shared *shared = &j->shared;
    while (j->busy) {
        pthread_mutex_lock(&shared->mutex);
        shared->urgent = true;
        pthread_cond_signal(&shared->work);
        while (j->threaded && !shared->written.first)
            pthread_cond_wait(&shared->back, &shared->mutex);
        pthread_mutex_unlock(&shared->mutex);
        deliver(j);
    }
}

int jig_journal_close(struct jig_journal *journal, bool clean, struct jig_error *err)
{
    if (!journal)
        return JIG_OK;
    drain(journal);
    if (journal->threaded) {
        pthread_mutex_lock(&journal->shared.mutex);
        journal->shared.stop = true;
        pthread_mutex_unlock(&journal->shared.mutex);
        pthread_cond_signal(&journal->shared.work);
        pthread_join(journal->thread, NULL);
    }
    int rc = JIG_OK;
    if (!journal->lent) {
        jig_scribe_settle(journal->scribe);
        tell_notice(journal, &journal->scribe->notice);
        rc = jig_scribe_close(journal->scribe, clean, err);
    }
    free_journal(journal);
    return rc;
}

const char *jig_journal_owner(const struct jig_journal *journal)
{
    const char *id = journal->scribe->owner.id;
    return *id ? id : NULL;
}

int jig_journal_lock(const struct jig_journal *journal)
{
    return journal->lock;
}

int64_t jig_journal_unended(const struct jig_journal *j)
{
    return j->unended;
}

size_t jig_journal_busy(const struct jig_journal *journal)
{
    return journal->busy;
}

void jig_journal_counts(const struct jig_journal *journal, int64_t *commits, int64_t *events)
{
    *commits = journal->commits;
    *events = journal->events;
}
