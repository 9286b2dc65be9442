#define _GNU_SOURCE
#include "team.h"

#include "ck_product.h"
#include "memory.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    /// Nanoseconds that a member without work spins between runs: the time between two tokens of a sequence.
    AWAKE = 300000,
    /// Nanoseconds that a member spins while others complete a phase: longer than the last tasks take. A member that takes longer was interrupted,
    /// and continues sooner if a processor becomes idle.
    PATIENCE = 40000,
    /// A worker that the system interrupted during a task pauses for this many times as long as the others waited for it: beside busy programs the
    /// team then loses at most about this fraction of its time, and after a short interruption the worker is soon back.
    PAUSES = 24,
    LINE = 64,
};

typedef struct worker {
    ck_member member;
    pthread_t thread;
    /// The number of involuntary context switches when it was last read.
    long interruptions;
    /// How long it pauses before it looks for work again; 0 for no pause.
    _Atomic int64_t pause;
} worker;

struct ck_team {
    const ck_kernels *kernels;
    int32_t threads;
    /// One for each thread; the first is the caller's.
    worker *workers;

    /// Held during a run.
    pthread_mutex_t turn;
    /// The working memory of runs; it grows when necessary and is kept.
    void *memory;
    size_t memory_bytes;

    /// The number of tasks that have not been taken. A member that takes one may read the phase until the task is complete, because no other phase
    /// begins before. A member without a task must not read the phase.
    _Alignas(LINE) atomic_ptrdiff_t left;
    const ck_phase *phase, *end;
    atomic_bool is_running;
    /// Not 0 when the workers must end.
    atomic_uint is_finished;
    /// The number of phases begun and runs ended so far: members sleep until it changes.
    atomic_uint events;
    // Each on a separate cache line, because they change at different times. The number of tasks that are not complete.
    /// Pieces that are not done.
    _Alignas(LINE) atomic_ptrdiff_t undone;
    /// The number of members that sleep, and the last event after which one of them stopped spinning.
    _Alignas(LINE) atomic_int sleepers;
    atomic_uint lost_patience;
    /// When that happened.
    _Atomic int64_t waited_since;
};

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/// Sleeps while the word has this value, for at most this many nanoseconds unless they are negative.
static void sleep_while(const void *word, uint32_t value, int64_t nanoseconds) {
    struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, nanoseconds < 0 ? NULL : &time, NULL, 0);
}
static void wake_all(const void *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0); }

// MARK: phases

/// Begins the first phase from here on that has tasks, or ends the run. May be called only by the member that begins the run or has completed the
/// last task of a phase.
static void begin(ck_team *team, const ck_phase *phase, bool is_caller) {
    while (phase < team->end && phase->pieces == 0) phase++;
    const bool is_end = phase == team->end;
    // A single task is complete before another thread has woken up.
    const bool is_shared = is_end ? !is_caller : phase->pieces > 1;
    if (is_end) {
        atomic_store(&team->is_running, false);
    } else {
        team->phase = phase;
        atomic_store_explicit(&team->undone, phase->pieces, memory_order_relaxed);
        atomic_store(&team->left, phase->pieces);
    }
    atomic_fetch_add(&team->events, 1);
    if (is_shared && atomic_load(&team->sleepers) > 0) wake_all(&team->events);
}

/// Makes a worker pause if the system interrupted this member while another one stopped spinning because of it. The worker is this member itself, or,
/// if this is the calling thread, without which there is no run, the last of the workers, whose processor the calling thread then gets.
static void consider(worker *worker) {
    ck_team *team = worker->member.team;
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage) != 0) return;
    const bool was_interrupted = usage.ru_nivcsw > worker->interruptions;
    worker->interruptions = usage.ru_nivcsw;
    if (!was_interrupted) return;
    struct worker *standing = worker->member.index > 0 ? worker : &team->workers[team->threads - 1];
    atomic_store(&standing->pause, PAUSES * (PATIENCE + now() - atomic_load(&team->waited_since)));
}

/// Executes tasks, of one phase after the other, until none is left.
static void work(worker *worker) {
    ck_member *member = &worker->member;
    ck_team *team = member->team;
    for (ptrdiff_t done = 0;;) {
        ptrdiff_t left = atomic_load_explicit(&team->left, memory_order_relaxed);
        if (left > 0) left = atomic_fetch_sub_explicit(&team->left, 1, memory_order_acquire);
        if (left > 0) {
            const ck_phase *phase = team->phase;
            phase->work(member, phase->context, phase->pieces - left);
            done++;
        } else if (done > 0) {
            // The phase does not end before the tasks are reported here.
            if (atomic_fetch_sub_explicit(&team->undone, done, memory_order_acq_rel) == done) {
                if (team->threads > 1 && atomic_load(&team->lost_patience) == atomic_load(&team->events)) consider(worker);
                begin(team, team->phase + 1, member->index == 0);
            }
            done = 0;
        } else {
            return;
        }
    }
}

/// Whether there are tasks, or the calling thread's run or the worker's life has ended.
static bool has_news(const worker *worker) {
    ck_team *team = worker->member.team;
    if (atomic_load(&team->left) > 0) return true;
    return worker->member.index == 0 ? !atomic_load(&team->is_running) : atomic_load(&team->is_finished) != 0;
}

static void await_news(worker *worker) {
    ck_team *team = worker->member.team;
    unsigned seen = atomic_load(&team->events);
    int64_t since = 0;
    for (int glance = 1;; glance++) {
        if (has_news(worker)) return;
        relax();
        if (glance % 64) continue;
        const int64_t time = now();
        const unsigned events = atomic_load(&team->events);
        if (since == 0 || events != seen) since = time;
        seen = events;
        if (time - since > (atomic_load(&team->is_running) ? PATIENCE : AWAKE)) break;
    }
    // A member that changes `events` then checks for sleepers; a member registers as a sleeper before it reads `events` for the last time.
    atomic_fetch_add(&team->sleepers, 1);
    for (bool is_first = true; !has_news(worker); is_first = false) {
        seen = atomic_load(&team->events);
        if (has_news(worker)) break;
        if (is_first && atomic_load(&team->is_running)) {
            atomic_store(&team->waited_since, now());
            atomic_store(&team->lost_patience, seen);
        }
        sleep_while(&team->events, seen, -1);
    }
    atomic_fetch_sub(&team->sleepers, 1);
}

/// Sleeps for the worker's pause, or until the team is destroyed.
static void stand_back(worker *worker) {
    ck_team *team = worker->member.team;
    const int64_t until = now() + atomic_exchange(&worker->pause, 0);
    for (int64_t left; !atomic_load(&team->is_finished) && (left = until - now()) > 0;) {
        sleep_while(&team->is_finished, 0, left);
    }
}

static void *live(void *argument) {
    worker *worker = argument;
    while (!atomic_load(&worker->member.team->is_finished)) {
        if (atomic_load(&worker->pause) > 0) stand_back(worker);
        work(worker);
        if (atomic_load(&worker->pause) == 0) await_news(worker);
    }
    return NULL;
}

// MARK: teams

ck_team *ck_team_create(int32_t threads, const char *instructions) {
    const ck_kernels *kernels = NULL;
    for (int32_t index = 0; !kernels && ck_kernels_at(index); index++) {
        if (!instructions || strcmp(instructions, ck_kernels_at(index)->name) == 0) kernels = ck_kernels_at(index);
    }
    if (!kernels || threads < 1) return NULL;
    ck_team *team = aligned_alloc(LINE, (sizeof(ck_team) + LINE - 1) / LINE * LINE);
    if (!team) return NULL;
    memset(team, 0, sizeof(ck_team));
    team->kernels = kernels;
    team->threads = 1;
    team->workers = calloc((size_t)threads, sizeof(worker));
    pthread_mutex_init(&team->turn, NULL);
    if (!team->workers) {
        ck_team_destroy(team);
        return NULL;
    }
    for (int32_t index = 0; index < threads; index++) team->workers[index].member = (ck_member){team, index};
    for (; team->threads < threads; team->threads++) {
        worker *worker = &team->workers[team->threads];
        if (pthread_create(&worker->thread, NULL, live, worker) != 0) {
            ck_team_destroy(team);
            return NULL;
        }
    }
    return team;
}

void ck_team_destroy(ck_team *team) {
    if (!team) return;
    atomic_store(&team->is_finished, 1);
    atomic_fetch_add(&team->events, 1);
    wake_all(&team->events);
    wake_all(&team->is_finished);
    for (int32_t index = 1; index < team->threads; index++) pthread_join(team->workers[index].thread, NULL);
    pthread_mutex_destroy(&team->turn);
    ck_memory_give(team->memory, team->memory_bytes);
    free(team->workers);
    free(team);
}

int32_t ck_team_threads(const ck_team *team) { return team->threads; }
const char *ck_team_instructions(const ck_team *team) { return team->kernels->name; }
const ck_kernels *ck_team_kernels(const ck_team *team) { return team->kernels; }

/// Runs phases; `turn` is held.
static void run(ck_team *team, const ck_phase *phases, ptrdiff_t count) {
    worker *caller = &team->workers[0];
    team->end = phases + count;
    atomic_store(&team->is_running, true);
    begin(team, phases, true);
    for (;;) {
        work(caller);
        if (!atomic_load(&team->is_running)) return;
        await_news(caller);
    }
}

void ck_team_run(ck_team *team, const ck_phase *phases, ptrdiff_t count) {
    pthread_mutex_lock(&team->turn);
    run(team, phases, count);
    pthread_mutex_unlock(&team->turn);
}

bool ck_team_run_in(ck_team *team, size_t bytes, void (*place)(void *context, void *memory), void *context, const ck_phase *phases, ptrdiff_t count) {
    pthread_mutex_lock(&team->turn);
    if (bytes > team->memory_bytes) {
        ck_memory_give(team->memory, team->memory_bytes);
        team->memory = ck_memory_take(bytes, true);
        team->memory_bytes = team->memory ? bytes : 0;
    }
    bool is_possible = bytes <= team->memory_bytes;
    if (is_possible) {
        place(context, team->memory);
        run(team, phases, count);
    }
    pthread_mutex_unlock(&team->turn);
    return is_possible;
}

void ck_team_release_memory(ck_team *team) {
    pthread_mutex_lock(&team->turn);
    ck_memory_give(team->memory, team->memory_bytes);
    team->memory = NULL;
    team->memory_bytes = 0;
    pthread_mutex_unlock(&team->turn);
}
