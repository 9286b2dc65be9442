#include "ck_measure.h"

#include "memory.h"
#include "team.h"

#include <string.h>
#include <time.h>

enum {
    PIECE = 1 << 20,
    ROUNDS = 5,
    /// One or two milliseconds of arithmetic, repeated so often that one measurement is undisturbed.
    TURNS = 1 << 17,
    ATTEMPTS = 50,
    MOST_THREADS = 1024,
};

enum { WORDS = PIECE / sizeof(uint64_t) };

typedef struct reading {
    uint64_t *memory;
    ptrdiff_t pieces;
    /// A sum for each task, so that the compiler does not remove the reads.
    uint64_t *sums;
} reading;

static void fill_piece(ck_member *member, const void *context, ptrdiff_t piece) {
    const reading *reading = context;
    memset(reading->memory + piece * WORDS, 1, PIECE);
}

static void read_piece(ck_member *member, const void *context, ptrdiff_t piece) {
    const reading *reading = context;
    typedef uint64_t line __attribute__((vector_size(64)));
    line sums[4] = {{0}, {0}, {0}, {0}};
    const line *place = (const line *)(reading->memory + piece * WORDS);
    for (size_t i = 0; i < PIECE / sizeof(line); i += 4) {
        __builtin_prefetch(place + i + 64);
        __builtin_prefetch(place + i + 66);
        for (size_t j = 0; j < 4; j++) sums[j] += place[i + j];
    }
    line total = sums[0] + sums[1] + sums[2] + sums[3];
    uint64_t sum = 0;
    for (int i = 0; i < 8; i++) sum += total[i];
    reading->sums[piece] = sum;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

double ck_measure_reading(ck_team *team, size_t bytes) {
    bytes = (bytes + PIECE - 1) / PIECE * PIECE;
    const ptrdiff_t pieces = (ptrdiff_t)(bytes / PIECE);
    const size_t sum_bytes = (size_t)pieces * sizeof(uint64_t);
    reading reading = {ck_memory_take(bytes, true), pieces, ck_memory_take(sum_bytes, false)};
    double best = 0;
    if (reading.memory && reading.sums) {
        ck_team_run(team, &(ck_phase){fill_piece, &reading, pieces}, 1);
        for (int round = 0; round < ROUNDS; round++) {
            double start = now();
            ck_team_run(team, &(ck_phase){read_piece, &reading, pieces}, 1);
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

static void exercise_piece(ck_member *member, const void *context, ptrdiff_t piece) {
    const exercise *exercise = context;
    exercise->results[piece] = ck_team_kernels(member->team)->exercise[exercise->format](TURNS);
}

double ck_measure_arithmetic(ck_team *team, ck_format format) {
    double results[MOST_THREADS], best = 0;
    exercise exercise = {format, results};
    const int32_t threads = ck_team_threads(team);
    if (threads > MOST_THREADS) return 0;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        double start = now();
        ck_team_run(team, &(ck_phase){exercise_piece, &exercise, threads}, 1);
        double rate = results[0] * threads / (now() - start);
        if (rate > best) best = rate;
    }
    return best;
}
