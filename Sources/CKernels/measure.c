#include "ck_measure.h"

#include "memory.h"
#include "team.h"

#include <string.h>
#include <time.h>

enum {
    PIECE = 1 << 20,
    ROUNDS = 5,
    /// A millisecond or two of arithmetic, often enough for one of them to be undisturbed.
    TURNS = 1 << 17,
    ATTEMPTS = 50,
    MOST_THREADS = 1024,
};

typedef struct reading {
    uint64_t *memory;
    size_t count;
    /// What is read must be used.
    uint64_t *sums;
} reading;

static void fill_task(ck_member *member, void *context) {
    reading *reading = context;
    const size_t words = PIECE / sizeof(uint64_t);
    for (size_t piece; (piece = (size_t)ck_member_take(member)) * words < reading->count;) {
        memset(reading->memory + piece * words, 1, PIECE);
    }
}

static void read_task(ck_member *member, void *context) {
    reading *reading = context;
    const size_t words = PIECE / sizeof(uint64_t);
    typedef uint64_t line __attribute__((vector_size(64)));
    line sums[4] = {{0}, {0}, {0}, {0}};
    for (size_t piece; (piece = (size_t)ck_member_take(member)) * words < reading->count;) {
        const line *place = (const line *)(reading->memory + piece * words);
        for (size_t i = 0; i < PIECE / sizeof(line); i += 4) {
            __builtin_prefetch(place + i + 64);
            __builtin_prefetch(place + i + 66);
            for (size_t j = 0; j < 4; j++) sums[j] += place[i + j];
        }
    }
    line total = sums[0] + sums[1] + sums[2] + sums[3];
    uint64_t sum = 0;
    for (int i = 0; i < 8; i++) sum += total[i];
    reading->sums[member->index] = sum;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

double ck_measure_reading(ck_team *team, size_t bytes) {
    bytes = (bytes + PIECE - 1) / PIECE * PIECE;
    const size_t sum_bytes = (size_t)ck_team_threads(team) * sizeof(uint64_t);
    reading reading = {ck_memory_take(bytes, true), bytes / sizeof(uint64_t), ck_memory_take(sum_bytes, false)};
    double best = 0;
    if (reading.memory && reading.sums) {
        ck_team_run(team, fill_task, &reading);
        for (int round = 0; round < ROUNDS; round++) {
            double start = now();
            ck_team_run(team, read_task, &reading);
            double rate = (double)bytes / (now() - start);
            if (rate > best) best = rate;
        }
    }
    ck_memory_give(reading.memory, bytes);
    ck_memory_give(reading.sums, sum_bytes);
    return best;
}

typedef struct exercise {
    ck_format format;
    /// A number for each thread.
    double *results;
} exercise;

static void exercise_task(ck_member *member, void *context) {
    const exercise *exercise = context;
    exercise->results[member->index] = ck_team_kernels(member->team)->exercise[exercise->format](TURNS);
}

double ck_measure_arithmetic(ck_team *team, ck_format format) {
    double results[MOST_THREADS], best = 0;
    exercise exercise = {format, results};
    if (ck_team_threads(team) > MOST_THREADS) return 0;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        double start = now();
        ck_team_run(team, exercise_task, &exercise);
        double rate = results[0] * ck_team_threads(team) / (now() - start);
        if (rate > best) best = rate;
    }
    return best;
}
