#include "decoder.h"

#include "memory.h"

#include <stdlib.h>

// Creating and destroying a decoder; decoder_step.c has the computation.

/// Phases of a layer: two norms, four products whose input may be rounded and to which something may be added, and attention. In addition: inputs,
/// norm and head.
static ptrdiff_t most_phases(const ck_transformer *transformer) { return 15 * transformer->layer_count + 4; }

/// Lays out the working memory from `place` on, or counts its bytes if that is null.
static size_t lay_out(ck_decoder *decoder, char *place) {
    const ck_transformer *transformer = decoder->transformer;
    const ptrdiff_t rows = decoder->rows, hidden = transformer->hidden;
    const ptrdiff_t widest = rounded_up(transformer->inner > hidden ? transformer->inner : hidden, CK_GROUP);
    size_t used = 0;
    struct {
        float **pointer;
        ptrdiff_t count;
    } parts[] = {
        {&decoder->hidden, rows * hidden},
        {&decoder->normalised, rows * hidden},
        {&decoder->query_key_value, 3 * rows * hidden},
        {&decoder->attended, rows * hidden},
        {&decoder->expanded, rows * transformer->inner},
        {&decoder->thread_work, ck_team_threads(decoder->team) * CK_TOGETHER * decoder->query_stride},
    };
    for (size_t index = 0; index < sizeof parts / sizeof parts[0]; index++) {
        if (place) *parts[index].pointer = (float *)(place + used);
        used += (size_t)rounded_up(parts[index].count, CK_LANES) * sizeof(float);
    }
    if (place) decoder->codes = ck_codes_in(place + used, rows * widest);
    return used + ck_codes_bytes(rows * widest);
}

ck_decoder *ck_decoder_create(const ck_transformer *transformer, ck_team *team, ptrdiff_t longest, ptrdiff_t rows, bool rounded) {
    ck_decoder *decoder = calloc(1, sizeof(ck_decoder));
    if (!decoder) return NULL;
    decoder->transformer = transformer;
    decoder->team = team;
    decoder->longest = longest;
    decoder->rows = rows;
    decoder->head = transformer->hidden / transformer->heads;
    decoder->padded_head = rounded_up(decoder->head, CK_LANES);
    decoder->rounded = rounded;
    decoder->block_bytes = (size_t)CK_PAGE * (rounded ? (size_t)decoder->padded_head + sizeof(float) : (size_t)decoder->padded_head * sizeof(float));
    for (ptrdiff_t index = 0; index < transformer->layer_count; index++) {
        const ck_matrix *const products[] = {
            transformer->layers[index].query_key_value,
            transformer->layers[index].attention_output,
            transformer->layers[index].expand,
            transformer->layers[index].contract,
        };
        for (int product = 0; product < CK_PRODUCTS; product++) {
            const ptrdiff_t width = products[product]->panels * CK_LANES;
            if (width > decoder->addition_stride) decoder->addition_stride = width;
        }
    }
    decoder->query_stride = rounded_up(longest, 64) + 2 * decoder->padded_head;
    decoder->work_bytes = lay_out(decoder, NULL);
    decoder->work = ck_memory_take(decoder->work_bytes, false);
    decoder->first_rows = calloc((size_t)rows, sizeof(ptrdiff_t));
    decoder->wanted = calloc((size_t)rows, sizeof(ptrdiff_t));
    decoder->parties = calloc((size_t)rows, sizeof(party));
    decoder->phases = calloc((size_t)most_phases(transformer), sizeof(ck_phase));
    decoder->stages = calloc((size_t)most_phases(transformer), sizeof(stage));
    decoder->projections = calloc((size_t)ck_team_threads(team) * CK_MOST_RANK, sizeof(float));
    decoder->row_additions = calloc((size_t)rows, sizeof(float *));
    decoder->adapted_rows = calloc((size_t)rows, sizeof(ptrdiff_t));
    decoder->adaptations = calloc((size_t)rows, sizeof(ck_adaptation *));
    if (!decoder->work || !decoder->first_rows || !decoder->wanted || !decoder->parties || !decoder->phases || !decoder->stages ||
        !decoder->projections || !decoder->row_additions || !decoder->adapted_rows || !decoder->adaptations) {
        ck_decoder_free(decoder);
        return NULL;
    }
    lay_out(decoder, decoder->work);
    return decoder;
}

/// The size of the values that are added to all rows of a step.
static size_t addition_bytes(const ck_decoder *decoder) { return (size_t)(decoder->rows * decoder->addition_stride) * sizeof(float); }

void ck_decoder_free(ck_decoder *decoder) {
    if (!decoder) return;
    ck_memory_give(decoder->work, decoder->work_bytes);
    free(decoder->first_rows);
    free(decoder->wanted);
    free(decoder->parties);
    free(decoder->phases);
    free(decoder->stages);
    free(decoder->projections);
    free(decoder->row_additions);
    free(decoder->adapted_rows);
    free(decoder->adaptations);
    ck_memory_give(decoder->additions, addition_bytes(decoder));
    free(decoder);
}

bool ck_decoder_make_adaptable(ck_decoder *decoder) {
    if (!decoder->additions) decoder->additions = ck_memory_take(addition_bytes(decoder), false);
    return decoder->additions;
}

size_t ck_decoder_page_bytes(const ck_decoder *decoder) {
    return 2 * decoder->block_bytes * (size_t)(decoder->transformer->layer_count * decoder->transformer->heads);
}

void *ck_page_take(size_t bytes) { return ck_memory_take(bytes, false); }
void ck_page_give(void *page, size_t bytes) { ck_memory_give(page, bytes); }
