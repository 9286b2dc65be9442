#include "ck_decoder.h"

#include "product.h"
#include "memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/// New positions of some slots.
typedef struct step {
    ptrdiff_t rows;
    const int32_t *slots, *positions;
    const float *inputs;
    const int32_t *wanted;
    const ck_attention_record *records;
    ptrdiff_t record_count;
} step;

/// Rows that are neighbours in one slot.
typedef struct stretch {
    ptrdiff_t first, end;
} stretch;

/// What a phase of a step works on.
typedef union stage {
    struct { const ck_decoder *decoder; ck_way_in way; const int32_t *wanted; } norm;
    ck_rounding rounding;
    ck_multiplication multiplication;
    struct { const ck_decoder *decoder; ptrdiff_t layer; } attention;
} stage;

struct ck_decoder {
    const ck_transformer *transformer;
    ck_team *team;
    ptrdiff_t slots, capacity, rows;
    /// Numbers of a head's query, key or value, and with filling.
    ptrdiff_t head, padded_head;
    bool half;

    /// Keys of layer, slot and head, then values of layer, slot and head.
    void *cache;
    size_t cache_bytes, head_bytes;

    void *work;
    size_t work_bytes;
    float *hidden, *normalised, *query_key_value, *attended, *expanded;
    /// For each thread: weights of one query, the query itself and the output.
    float *thread_work;
    ptrdiff_t thread_stride;
    ck_operand codes;

    /// The step that is being computed, its stretches and its phases.
    step step;
    stretch *stretches;
    ptrdiff_t stretch_count;
    ck_phase *phases;
    stage *stages;
    ptrdiff_t phase_count;
};

/// Phases of a layer: two norms, four products whose input may be rounded, and attention. Besides, inputs, norm and head.
static ptrdiff_t most_phases(const ck_transformer *transformer) { return 11 * transformer->layer_count + 4; }

static ptrdiff_t rounded_up(ptrdiff_t count, ptrdiff_t unit) { return (count + unit - 1) / unit * unit; }

/// Lays out the work space from `place` on, or counts its bytes when that is null.
static size_t lay_out(ck_decoder *decoder, char *place) {
    const ck_transformer *transformer = decoder->transformer;
    const ptrdiff_t rows = decoder->rows, hidden = transformer->hidden;
    const ptrdiff_t widest = rounded_up(transformer->inner > hidden ? transformer->inner : hidden, CK_GROUP);
    size_t used = 0;
    struct { float **pointer; ptrdiff_t count; } parts[] = {
        {&decoder->hidden, rows * hidden}, {&decoder->normalised, rows * hidden}, {&decoder->query_key_value, 3 * rows * hidden},
        {&decoder->attended, rows * hidden}, {&decoder->expanded, rows * transformer->inner},
        {&decoder->thread_work, ck_team_threads(decoder->team) * decoder->thread_stride},
    };
    for (size_t index = 0; index < sizeof parts / sizeof parts[0]; index++) {
        if (place) *parts[index].pointer = (float *)(place + used);
        used += (size_t)rounded_up(parts[index].count, CK_LANES) * sizeof(float);
    }
    if (place) decoder->codes = ck_codes_in(place + used, rows * widest);
    return used + ck_codes_bytes(rows * widest);
}

ck_decoder *ck_decoder_create(
    const ck_transformer *transformer, ck_team *team, ptrdiff_t slots, ptrdiff_t capacity, ptrdiff_t rows, bool half
) {
    ck_decoder *decoder = calloc(1, sizeof(ck_decoder));
    if (!decoder) return NULL;
    decoder->transformer = transformer;
    decoder->team = team;
    decoder->slots = slots;
    decoder->capacity = rounded_up(capacity, CK_LANES);
    decoder->rows = rows;
    decoder->head = transformer->hidden / transformer->heads;
    decoder->padded_head = rounded_up(decoder->head, CK_LANES);
    decoder->half = half;
    decoder->thread_stride = rounded_up(decoder->capacity, 64) + 2 * decoder->padded_head;

    decoder->head_bytes = (size_t)(decoder->capacity * decoder->padded_head) * (half ? 2 : 4);
    decoder->cache_bytes = 2 * decoder->head_bytes * (size_t)(transformer->layer_count * slots * transformer->heads);
    decoder->cache = ck_memory_take(decoder->cache_bytes, false);
    decoder->work_bytes = lay_out(decoder, NULL);
    decoder->work = ck_memory_take(decoder->work_bytes, false);
    decoder->stretches = calloc((size_t)rows, sizeof(stretch));
    decoder->phases = calloc((size_t)most_phases(transformer), sizeof(ck_phase));
    decoder->stages = calloc((size_t)most_phases(transformer), sizeof(stage));
    if (!decoder->cache || !decoder->work || !decoder->stretches || !decoder->phases || !decoder->stages) {
        ck_decoder_free(decoder);
        return NULL;
    }
    lay_out(decoder, decoder->work);
    return decoder;
}

void ck_decoder_free(ck_decoder *decoder) {
    if (!decoder) return;
    ck_memory_give(decoder->cache, decoder->cache_bytes);
    ck_memory_give(decoder->work, decoder->work_bytes);
    free(decoder->stretches);
    free(decoder->phases);
    free(decoder->stages);
    free(decoder);
}

static void *cached(const ck_decoder *decoder, bool values, ptrdiff_t layer, ptrdiff_t slot, ptrdiff_t head) {
    const ck_transformer *transformer = decoder->transformer;
    ptrdiff_t index = ((values * transformer->layer_count + layer) * decoder->slots + slot) * transformer->heads + head;
    return (char *)decoder->cache + (size_t)index * decoder->head_bytes;
}

/// Turns pairs of numbers by the angles of a position.
static void turn(const ck_transformer *transformer, float *x, ptrdiff_t head, ptrdiff_t position) {
    if (!transformer->cosine) return;
    const ptrdiff_t half = head / 2;
    const float *cosine = transformer->cosine + position * half, *sine = transformer->sine + position * half;
    for (ptrdiff_t i = 0; i < half; i++) {
        float first = x[i], second = x[i + half];
        x[i] = first * cosine[i] - second * sine[i];
        x[i + half] = second * cosine[i] + first * sine[i];
    }
}

/// Copies what one row attended to where that is asked for. The weights' sum is what they still have to be divided by.
static void record(const step *step, ptrdiff_t layer, ptrdiff_t head, ptrdiff_t row, const float *weights) {
    for (ptrdiff_t index = 0; index < step->record_count; index++) {
        const ck_attention_record *wanted = &step->records[index];
        if (wanted->layer != layer || wanted->head != head || wanted->row != row) continue;
        float sum = 0;
        for (ptrdiff_t i = 0; i <= step->positions[row]; i++) sum += weights[i];
        for (ptrdiff_t i = 0; i < wanted->count; i++) wanted->weights[i] = weights[wanted->first + i] / sum;
    }
}

/// One head's attention for a stretch of rows: first their keys and values are stored, then each looks back.
static void attend(ck_member *member, const ck_decoder *decoder, ptrdiff_t layer, ptrdiff_t head, stretch rows) {
    const step *step = &decoder->step;
    const ck_transformer *transformer = decoder->transformer;
    const ck_kernels *kernels = ck_team_kernels(member->team);
    const ptrdiff_t hidden = transformer->hidden, size = decoder->head, padded = decoder->padded_head;
    float *weights = decoder->thread_work + member->index * decoder->thread_stride;
    float *query = weights + rounded_up(decoder->capacity, 64), *output = query + padded;
    void *keys = cached(decoder, false, layer, step->slots[rows.first], head);
    void *values = cached(decoder, true, layer, step->slots[rows.first], head);

    for (ptrdiff_t row = rows.first; row < rows.end; row++) {
        float *own = decoder->query_key_value + row * 3 * hidden + head * size;
        turn(transformer, own + hidden, size, step->positions[row]);
        kernels->remember[decoder->half](keys, values, step->positions[row], own + hidden, own + 2 * hidden, size, padded);
    }
    const float scale = 1.0f / sqrtf((float)size);
    for (ptrdiff_t row = rows.first; row < rows.end; row++) {
        memset(query, 0, (size_t)padded * sizeof(float));
        memcpy(query, decoder->query_key_value + row * 3 * hidden + head * size, (size_t)size * sizeof(float));
        turn(transformer, query, size, step->positions[row]);
        for (ptrdiff_t i = 0; i < size; i++) query[i] *= scale;
        kernels->attend[decoder->half](&(ck_attention){
            .query = query, .keys = keys, .values = values, .length = step->positions[row] + 1, .head_size = padded,
            .weights = weights, .output = output,
        });
        if (step->record_count) record(step, layer, head, row, weights);
        memcpy(decoder->attended + row * hidden + head * size, output, (size_t)size * sizeof(float));
    }
}

// MARK: phases

static void copy_input(ck_member *member, const void *context, ptrdiff_t row) {
    const ck_decoder *decoder = context;
    const ptrdiff_t hidden = decoder->transformer->hidden;
    memcpy(decoder->hidden + row * hidden, decoder->step.inputs + row * hidden, (size_t)hidden * sizeof(float));
}

static void attend_piece(ck_member *member, const void *context, ptrdiff_t piece) {
    const stage *stage = context;
    const ck_decoder *decoder = stage->attention.decoder;
    const ptrdiff_t heads = decoder->transformer->heads;
    attend(member, decoder, stage->attention.layer, piece % heads, decoder->stretches[piece / heads]);
}

static void normalise_row(ck_member *member, const void *context, ptrdiff_t row) {
    const stage *stage = context;
    const ck_decoder *decoder = stage->norm.decoder;
    const ptrdiff_t hidden = decoder->transformer->hidden, from = stage->norm.wanted ? stage->norm.wanted[row] : row;
    ck_team_kernels(member->team)->transform(
        &stage->norm.way, decoder->hidden + from * hidden, NULL, NULL, hidden, decoder->normalised + row * hidden);
}

/// The stage of the next phase.
static stage *next_stage(ck_decoder *decoder) { return &decoder->stages[decoder->phase_count]; }

static void add(ck_decoder *decoder, ck_phase phase) { decoder->phases[decoder->phase_count++] = phase; }

/// Normalises all rows, or those that are wanted.
static void add_norm(ck_decoder *decoder, const float *weight, const float *bias, const int32_t *wanted, ptrdiff_t rows) {
    stage *stage = next_stage(decoder);
    stage->norm.decoder = decoder;
    stage->norm.way = (ck_way_in){.norm_weight = weight, .norm_bias = bias, .norm_epsilon = decoder->transformer->norm_epsilon};
    stage->norm.wanted = wanted;
    add(decoder, (ck_phase){normalise_row, stage, rows});
}

static void add_product(ck_decoder *decoder, const ck_matrix *matrix, const float *input, ptrdiff_t rows, ck_result result) {
    ck_operand operand = {.values = input, .stride = matrix->inputs};
    if (matrix->format != CK_FLOAT32) {
        operand = decoder->codes;
        operand.stride = matrix->depth;
        stage *stage = next_stage(decoder);
        stage->rounding = (ck_rounding){matrix, input, matrix->inputs, rows, operand};
        add(decoder, ck_rounding_phase(&stage->rounding));
    }
    stage *stage = next_stage(decoder);
    stage->multiplication = (ck_multiplication){.matrix = matrix, .operand = operand, .result = result, .rows = rows};
    ck_multiplication_cut(&stage->multiplication, decoder->team, 1);
    add(decoder, ck_multiplication_phase(&stage->multiplication));
}

static void add_attention(ck_decoder *decoder, ptrdiff_t layer) {
    stage *stage = next_stage(decoder);
    stage->attention.decoder = decoder;
    stage->attention.layer = layer;
    add(decoder, (ck_phase){attend_piece, stage, decoder->stretch_count * decoder->transformer->heads});
}

static void find_stretches(ck_decoder *decoder) {
    const step *step = &decoder->step;
    decoder->stretch_count = 0;
    for (ptrdiff_t first = 0, end; first < step->rows; first = end) {
        for (end = first + 1; end < step->rows && step->slots[end] == step->slots[first];) end++;
        decoder->stretches[decoder->stretch_count++] = (stretch){first, end};
    }
}

void ck_decoder_run(
    ck_decoder *decoder, ptrdiff_t rows, const int32_t *slots, const int32_t *positions, const float *inputs, const int32_t *wanted,
    ptrdiff_t wanted_count, float *logits, const ck_attention_record *records, ptrdiff_t record_count
) {
    const ck_transformer *transformer = decoder->transformer;
    const ptrdiff_t hidden = transformer->hidden, inner = transformer->inner;
    const ck_result into_hidden = {CK_IDENTITY, decoder->hidden, hidden, 0, decoder->hidden, hidden};
    decoder->step = (step){rows, slots, positions, inputs, wanted, records, record_count};
    find_stretches(decoder);
    decoder->phase_count = 0;

    add(decoder, (ck_phase){copy_input, decoder, rows});
    for (ptrdiff_t index = 0; index < transformer->layer_count; index++) {
        const ck_decoder_layer *layer = &transformer->layers[index];
        add_norm(decoder, layer->attention_norm, layer->attention_norm_bias, NULL, rows);
        add_product(decoder, layer->query_key_value, decoder->normalised, rows,
                    (ck_result){CK_IDENTITY, NULL, 0, 0, decoder->query_key_value, 3 * hidden});
        add_attention(decoder, index);
        add_product(decoder, layer->attention_output, decoder->attended, rows, into_hidden);
        add_norm(decoder, layer->feed_forward_norm, layer->feed_forward_norm_bias, NULL, rows);
        add_product(decoder, layer->expand, decoder->normalised, rows,
                    (ck_result){transformer->activation, NULL, 0, 0, decoder->expanded, inner});
        add_product(decoder, layer->contract, decoder->expanded, rows, into_hidden);
    }
    add_norm(decoder, transformer->final_norm, transformer->final_norm_bias, wanted, wanted_count);
    add_product(decoder, transformer->head, decoder->normalised, wanted_count,
                (ck_result){CK_IDENTITY, NULL, 0, 0, logits, transformer->head->outputs});
    ck_team_run(decoder->team, decoder->phases, decoder->phase_count);
}
