#include "team.h"

#include "ck_product.h"
#include "memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    /// Nanoseconds that a thread without work stays awake: the time between two tokens of a sequence.
    AWAKE = 300000,
    /// Nanoseconds that a thread waits awake for the others: longer than the last pieces of work take. Who takes longer
    /// was interrupted, and goes on sooner where a processor sleeps.
    PATIENCE = 40000,
    LINE = 64,
};

/// A number that threads wait for to change.
typedef struct gate {
    _Alignas(LINE) atomic_uint count;
    _Alignas(LINE) atomic_int sleepers;
    pthread_mutex_t lock;
    pthread_cond_t opened;
} gate;

struct ck_team {
    const ck_kernels *kernels;
    int32_t threads;
    pthread_t *workers;
    ck_member *members;

    /// Held while a task runs.
    pthread_mutex_t turn;
    ck_task *task;
    void *context;
    bool finished;
    /// What tasks work in; it grows and stays.
    void *memory;
    size_t memory_bytes;

    /// Rounds of work begun and ended, and barriers passed.
    gate begun, ended, passed;
    // Each on a line of its own: they change at different times.
    _Alignas(LINE) atomic_int working;
    _Alignas(LINE) atomic_int arrived;
    _Alignas(LINE) atomic_llong piece;
};

static inline void pause(void) {
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

/// Waits for another count than `seen`, awake for some nanoseconds, and returns it.
static unsigned gate_wait(gate *gate, unsigned seen, int64_t awake) {
    unsigned count;
    for (int64_t glance = 1, limit = 0;; glance++) {
        count = atomic_load_explicit(&gate->count, memory_order_acquire);
        if (count != seen) return count;
        pause();
        if (glance % 64) continue;
        if (limit == 0) limit = now() + awake;
        else if (now() > limit) break;
    }
    pthread_mutex_lock(&gate->lock);
    atomic_fetch_add(&gate->sleepers, 1);
    while ((count = atomic_load(&gate->count)) == seen) pthread_cond_wait(&gate->opened, &gate->lock);
    atomic_fetch_sub(&gate->sleepers, 1);
    pthread_mutex_unlock(&gate->lock);
    return count;
}

/// Counts on.
static void gate_open(gate *gate) {
    atomic_fetch_add(&gate->count, 1);
    if (atomic_load(&gate->sleepers) == 0) return;
    pthread_mutex_lock(&gate->lock);
    pthread_cond_broadcast(&gate->opened);
    pthread_mutex_unlock(&gate->lock);
}

static void gate_make(gate *gate) {
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->opened, NULL);
}

static void gate_remove(gate *gate) {
    pthread_mutex_destroy(&gate->lock);
    pthread_cond_destroy(&gate->opened);
}

static void *work(void *argument) {
    ck_member *member = argument;
    ck_team *team = member->team;
    for (unsigned round = 0;;) {
        round = gate_wait(&team->begun, round, AWAKE);
        if (team->finished) return NULL;
        team->task(member, team->context);
        if (atomic_fetch_sub(&team->working, 1) == 1) gate_open(&team->ended);
    }
}

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
    team->workers = calloc((size_t)threads, sizeof(pthread_t));
    team->members = calloc((size_t)threads, sizeof(ck_member));
    pthread_mutex_init(&team->turn, NULL);
    gate_make(&team->begun);
    gate_make(&team->ended);
    gate_make(&team->passed);
    if (!team->workers || !team->members) {
        ck_team_destroy(team);
        return NULL;
    }
    for (int32_t index = 0; index < threads; index++) team->members[index] = (ck_member){team, index};
    for (; team->threads < threads; team->threads++) {
        int32_t index = team->threads;
        if (pthread_create(&team->workers[index], NULL, work, &team->members[index]) != 0) {
            ck_team_destroy(team);
            return NULL;
        }
    }
    return team;
}

void ck_team_destroy(ck_team *team) {
    if (!team) return;
    team->finished = true;
    gate_open(&team->begun);
    for (int32_t index = 1; index < team->threads; index++) pthread_join(team->workers[index], NULL);
    pthread_mutex_destroy(&team->turn);
    gate_remove(&team->begun);
    gate_remove(&team->ended);
    gate_remove(&team->passed);
    ck_memory_give(team->memory, team->memory_bytes);
    free(team->workers);
    free(team->members);
    free(team);
}

int32_t ck_team_threads(const ck_team *team) { return team->threads; }
const char *ck_team_instructions(const ck_team *team) { return team->kernels->name; }
const ck_kernels *ck_team_kernels(const ck_team *team) { return team->kernels; }

/// Runs a task; `turn` is held.
static void run(ck_team *team, ck_task *task, void *context) {
    team->task = task;
    team->context = context;
    atomic_store_explicit(&team->piece, 0, memory_order_relaxed);
    unsigned ended = atomic_load(&team->ended.count);
    if (team->threads > 1) {
        atomic_store_explicit(&team->working, team->threads - 1, memory_order_relaxed);
        gate_open(&team->begun);
    }
    task(&team->members[0], context);
    if (team->threads > 1) gate_wait(&team->ended, ended, PATIENCE);
}

void ck_team_run(ck_team *team, ck_task *task, void *context) {
    pthread_mutex_lock(&team->turn);
    run(team, task, context);
    pthread_mutex_unlock(&team->turn);
}

bool ck_team_run_in(ck_team *team, size_t bytes, void (*place)(void *context, void *memory), ck_task *task, void *context) {
    pthread_mutex_lock(&team->turn);
    if (bytes > team->memory_bytes) {
        ck_memory_give(team->memory, team->memory_bytes);
        team->memory = ck_memory_take(bytes, true);
        team->memory_bytes = team->memory ? bytes : 0;
    }
    bool is_possible = bytes <= team->memory_bytes;
    if (is_possible) {
        place(context, team->memory);
        run(team, task, context);
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

void ck_member_wait(ck_member *member) {
    ck_team *team = member->team;
    if (team->threads == 1) {
        atomic_store_explicit(&team->piece, 0, memory_order_relaxed);
        return;
    }
    unsigned passed = atomic_load_explicit(&team->passed.count, memory_order_acquire);
    if (atomic_fetch_add(&team->arrived, 1) < team->threads - 1) {
        gate_wait(&team->passed, passed, PATIENCE);
        return;
    }
    atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&team->piece, 0, memory_order_relaxed);
    gate_open(&team->passed);
}

ptrdiff_t ck_member_take(ck_member *member) {
    return (ptrdiff_t)atomic_fetch_add_explicit(&member->team->piece, 1, memory_order_relaxed);
}
