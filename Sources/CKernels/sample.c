#include "ck_sample.h"

#include "team.h"

typedef struct sampling {
    ck_draw *draws;
    ptrdiff_t count, vocabulary;
    /// The working memory of the members, `stride` bytes apart.
    char *memory;
    size_t stride;
} sampling;

static void place_sampling(void *context, void *memory) {
    sampling *sampling = context;
    sampling->memory = memory;
}

static void sample_row(ck_member *member, const void *context, ptrdiff_t row) {
    const sampling *sampling = context;
    ck_draw *draw = &sampling->draws[row];
    void *memory = sampling->memory + (size_t)member->index * sampling->stride;
    draw->token = ck_team_kernels(member->team)->sample(draw, sampling->vocabulary, memory);
}

bool ck_sample(ck_team *team, ck_draw *draws, ptrdiff_t count, ptrdiff_t vocabulary) {
    if (count == 0) return true;
    sampling sampling = {draws, count, vocabulary, NULL, ck_sample_memory(vocabulary)};
    const ck_phase phase = {sample_row, &sampling, count};
    return ck_team_run_in(team, sampling.stride * (size_t)ck_team_threads(team), place_sampling, &sampling, &phase, 1);
}
