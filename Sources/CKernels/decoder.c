#include "ck_decoder.h"

#include "product.h"
#include "memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    ck_operand operand;
};

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
    if (place) decoder->operand = ck_codes_in(place + used, rows * widest);
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
    if (!decoder->cache || !decoder->work) {
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
    free(decoder);
}

/// New positions of some slots.
typedef struct step {
    ck_decoder *decoder;
    ptrdiff_t rows;
    const int32_t *slots, *positions;
    const float *inputs;
    const int32_t *wanted;
    ptrdiff_t wanted_count;
    float *logits;
    const ck_attention_record *records;
    ptrdiff_t record_count;
} step;

/// Rows that are neighbours in one slot.
typedef struct stretch {
    ptrdiff_t first, end;
} stretch;

static stretch stretch_from(const step *step, ptrdiff_t first) {
    ptrdiff_t end = first + 1;
    while (end < step->rows && step->slots[end] == step->slots[first]) end++;
    return (stretch){first, end};
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
static void attend(ck_member *member, const step *step, ptrdiff_t layer, ptrdiff_t head, stretch rows) {
    ck_decoder *decoder = step->decoder;
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

static void attend_all(ck_member *member, const step *step, ptrdiff_t layer) {
    const ptrdiff_t heads = step->decoder->transformer->heads;
    ptrdiff_t piece = ck_member_take(member), count = 0;
    for (stretch rows = {0, 0}; rows.end < step->rows; count += heads) {
        rows = stretch_from(step, rows.end);
        for (; piece < count + heads; piece = ck_member_take(member)) attend(member, step, layer, piece - count, rows);
    }
}

static void normalise(ck_member *member, const step *step, ptrdiff_t rows, const float *weight, const float *bias) {
    ck_decoder *decoder = step->decoder;
    const ptrdiff_t hidden = decoder->transformer->hidden;
    const ck_way_in way = {.norm_weight = weight, .norm_bias = bias, .norm_epsilon = decoder->transformer->norm_epsilon};
    for (ptrdiff_t row; (row = ck_member_take(member)) < rows;) {
        ck_team_kernels(member->team)->transform(
            &way, decoder->hidden + row * hidden, NULL, NULL, hidden, decoder->normalised + row * hidden);
    }
    ck_member_wait(member);
}

static void multiply(
    ck_member *member, const step *step, ptrdiff_t rows, const ck_matrix *matrix, const float *input, ptrdiff_t stride, ck_result result
) {
    ck_operand operand = step->decoder->operand;
    ck_member_round(member, matrix, input, stride, rows, &operand);
    if (matrix->format != CK_FLOAT32) ck_member_wait(member);
    ck_member_multiply(member, matrix, &operand, &result, rows);
    ck_member_wait(member);
}

static void decode_task(ck_member *member, void *context) {
    const step *step = context;
    ck_decoder *decoder = step->decoder;
    const ck_transformer *transformer = decoder->transformer;
    const ptrdiff_t rows = step->rows, hidden = transformer->hidden, inner = transformer->inner;
    for (ptrdiff_t row; (row = ck_member_take(member)) < rows;) {
        memcpy(decoder->hidden + row * hidden, step->inputs + row * hidden, (size_t)hidden * sizeof(float));
    }
    ck_member_wait(member);

    for (ptrdiff_t index = 0; index < transformer->layer_count; index++) {
        const ck_decoder_layer *layer = &transformer->layers[index];
        const ck_result into_hidden = {CK_IDENTITY, decoder->hidden, hidden, 0, decoder->hidden, hidden};
        normalise(member, step, rows, layer->attention_norm, layer->attention_norm_bias);
        multiply(member, step, rows, layer->query_key_value, decoder->normalised, hidden,
                 (ck_result){CK_IDENTITY, NULL, 0, 0, decoder->query_key_value, 3 * hidden});
        attend_all(member, step, index);
        ck_member_wait(member);
        multiply(member, step, rows, layer->attention_output, decoder->attended, hidden, into_hidden);
        normalise(member, step, rows, layer->feed_forward_norm, layer->feed_forward_norm_bias);
        multiply(member, step, rows, layer->expand, decoder->normalised, hidden,
                 (ck_result){transformer->activation, NULL, 0, 0, decoder->expanded, inner});
        multiply(member, step, rows, layer->contract, decoder->expanded, inner, into_hidden);
    }

    // The wanted rows move to the front, in order, so that none is overwritten before it is read.
    if (member->index == 0) {
        for (ptrdiff_t index = 0; index < step->wanted_count; index++) {
            memmove(decoder->hidden + index * hidden, decoder->hidden + step->wanted[index] * hidden, (size_t)hidden * sizeof(float));
        }
    }
    ck_member_wait(member);
    normalise(member, step, step->wanted_count, transformer->final_norm, transformer->final_norm_bias);
    const ptrdiff_t vocabulary = ck_matrix_outputs(transformer->head);
    multiply(member, step, step->wanted_count, transformer->head, decoder->normalised, hidden,
             (ck_result){CK_IDENTITY, NULL, 0, 0, step->logits, vocabulary});
}

void ck_decoder_run(
    ck_decoder *decoder, ptrdiff_t rows, const int32_t *slots, const int32_t *positions, const float *inputs, const int32_t *wanted,
    ptrdiff_t wanted_count, float *logits, const ck_attention_record *records, ptrdiff_t record_count
) {
    step step = {decoder, rows, slots, positions, inputs, wanted, wanted_count, logits, records, record_count};
    ck_team_run(decoder->team, decode_task, &step);
}
