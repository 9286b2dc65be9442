#include "product.h"

#include <string.h>

enum {
    /// Queries of one piece.
    QUERIES = 60,
};

/// Keys, values and distances of one head, packed as the matrices of products: scores = queries × keys, results = weights ×
/// values, and what distances add to scores = queries × distances.
typedef struct head {
    ck_matrix keys, values, distances;
} head;

typedef struct work {
    const ck_self_attention *attention;
    /// Length of a row of scores.
    ptrdiff_t padded;
    char *packed;
    size_t head_bytes;
    /// For each thread: scores, a tile to pack from, codes of queries or weights.
    char *threads;
    size_t thread_bytes;
} work;

static size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }
static ptrdiff_t rounded_up(ptrdiff_t count, ptrdiff_t unit) { return (count + unit - 1) / unit * unit; }
static ptrdiff_t larger(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

/// An empty matrix in memory, of which it says how much it needs.
static size_t matrix_in(ck_matrix *matrix, char *memory, ck_format format, ptrdiff_t inputs, ptrdiff_t outputs) {
    *matrix = (ck_matrix){.format = format, .inputs = inputs, .outputs = outputs, .taps = 1};
    matrix->depth = matrix->tap_depth = format == CK_FLOAT32 ? inputs : rounded_up(inputs, CK_GROUP);
    matrix->panels = rounded_up(outputs, CK_LANES) / CK_LANES;
    const size_t cells = (size_t)(matrix->panels * CK_LANES * matrix->depth);
    matrix->weight_bytes = format == CK_FLOAT32 ? cells * 4 : cells;
    matrix->scale_bytes = format == CK_FLOAT32 ? 0 : cells / CK_GROUP * sizeof(uint16_t);
    if (memory) {
        matrix->weights = memory;
        matrix->scales = (uint16_t *)(memory + aligned(matrix->weight_bytes));
    }
    return aligned(matrix->weight_bytes) + aligned(matrix->scale_bytes);
}

static size_t head_in(head *head, char *memory, const ck_self_attention *x) {
    size_t bytes = matrix_in(&head->keys, memory, x->key_format, x->head_size, x->length);
    bytes += matrix_in(&head->values, memory ? memory + bytes : NULL, x->value_format, x->length, x->head_size);
    if (x->distances) bytes += matrix_in(&head->distances, memory ? memory + bytes : NULL, x->key_format, x->head_size, 2 * x->length - 1);
    return bytes;
}

/// What one thread works in.
typedef struct room {
    float *scores, *tile;
    void *codes;
    /// With distances: what they add to scores, and queries with a bias.
    float *distance_scores, *queries;
} room;

/// Distances that a piece of queries sees, filled up to whole panels.
static ptrdiff_t most_distances(const ck_self_attention *x) { return rounded_up(x->length + QUERIES, CK_LANES) + CK_LANES; }

static size_t lay_out(room *room, char *memory, const work *work) {
    const ck_self_attention *x = work->attention;
    const ptrdiff_t widest = rounded_up(larger(x->head_size, x->length), CK_GROUP);
    const size_t scores = (size_t)(QUERIES * work->padded) * sizeof(float), tile = (size_t)(widest * CK_LANES) * sizeof(float);
    const size_t codes = aligned(ck_codes_bytes(QUERIES * widest));
    const size_t distances = x->distances ? (size_t)(QUERIES * most_distances(x)) * sizeof(float) : 0;
    const size_t queries = x->distances ? (size_t)(QUERIES * x->head_size) * sizeof(float) : 0;
    if (memory) {
        room->scores = (float *)memory;
        room->tile = (float *)(memory + scores);
        room->codes = memory + scores + tile;
        room->distance_scores = (float *)(memory + scores + tile + codes);
        room->queries = (float *)(memory + scores + tile + codes + distances);
    }
    return scores + tile + codes + distances + queries;
}

static void place_work(void *context, void *memory) {
    work *work = context;
    work->packed = memory;
    work->threads = (char *)memory + work->head_bytes * (size_t)(work->attention->sequences * work->attention->heads);
}

/// The first number of a head in a tensor of queries, keys or values.
static const float *head_of(const float *rows, const ck_self_attention *x, ptrdiff_t index) {
    return rows + index / x->heads * x->length * x->stride + index % x->heads * x->head_size;
}

/// Packs rows of one head as the outputs of a matrix.
static void pack_rows(
    const ck_kernels *kernels, const ck_matrix *matrix, float *tile, const float *rows, ptrdiff_t stride
) {
    for (ptrdiff_t panel = 0; panel < matrix->panels; panel++) {
        memset(tile, 0, (size_t)(matrix->depth * CK_LANES) * sizeof(float));
        for (ptrdiff_t lane = 0; lane < CK_LANES && panel * CK_LANES + lane < matrix->outputs; lane++) {
            const float *row = rows + (panel * CK_LANES + lane) * stride;
            for (ptrdiff_t i = 0; i < matrix->inputs; i += CK_LANES) __builtin_prefetch(row + CK_LANES * stride + i);
            for (ptrdiff_t i = 0; i < matrix->inputs; i++) tile[i * CK_LANES + lane] = row[i];
        }
        kernels->pack[matrix->format](matrix, panel, tile);
    }
}

static void pack(const ck_kernels *kernels, const work *work, const room *room, ptrdiff_t index) {
    const ck_self_attention *x = work->attention;
    head head;
    head_in(&head, work->packed + (size_t)index * work->head_bytes, x);
    pack_rows(kernels, &head.keys, room->tile, head_of(x->key, x, index), x->stride);
    if (x->distances) {
        pack_rows(kernels, &head.distances, room->tile, x->distances + index % x->heads * x->head_size, x->distance_stride);
    }
    const float *values = head_of(x->value, x, index);
    for (ptrdiff_t panel = 0; panel < head.values.panels; panel++) {
        const ptrdiff_t width = x->head_size - panel * CK_LANES < CK_LANES ? x->head_size - panel * CK_LANES : CK_LANES;
        memset(room->tile, 0, (size_t)(head.values.depth * CK_LANES) * sizeof(float));
        for (ptrdiff_t row = 0; row < x->length; row++) {
            __builtin_prefetch(values + (row + CK_LANES) * x->stride + panel * CK_LANES);
            memcpy(room->tile + row * CK_LANES, values + row * x->stride + panel * CK_LANES, (size_t)width * sizeof(float));
        }
        kernels->pack[head.values.format](&head.values, panel, room->tile);
    }
}

static void multiply(
    const ck_kernels *kernels, const ck_matrix *matrix, ck_rows panels, const ck_operand *operand, ptrdiff_t count, float *out,
    ptrdiff_t out_stride
) {
    const ck_result result = {.values = out - panels.first * CK_LANES, .stride = out_stride};
    kernels->product[matrix->format](matrix, operand, &result, (ck_rows){0, count}, panels);
}

static ck_rows all_panels(const ck_matrix *matrix) { return (ck_rows){0, matrix->panels}; }

/// Products of queries, with a bias or without, with keys or distances.
static void score(
    const ck_kernels *kernels, const ck_self_attention *x, const room *room, const ck_matrix *matrix, ck_rows panels,
    const float *queries, const float *bias, ptrdiff_t count, float *out, ptrdiff_t out_stride
) {
    ptrdiff_t stride = x->stride;
    if (bias) {
        for (ptrdiff_t row = 0; row < count; row++) {
            for (ptrdiff_t i = 0; i < x->head_size; i++) room->queries[row * x->head_size + i] = queries[row * stride + i] + bias[i];
        }
        queries = room->queries;
        stride = x->head_size;
    }
    ck_operand operand = {.values = queries, .stride = stride};
    if (x->key_format != CK_FLOAT32) {
        const ptrdiff_t depth = matrix->depth;
        operand = ck_codes_in(room->codes, QUERIES * depth);
        operand.stride = depth;
        for (ptrdiff_t row = 0; row < count; row++) {
            ck_round_row(kernels, &operand, row * depth, queries + row * stride, x->head_size, depth);
        }
    }
    multiply(kernels, matrix, panels, &operand, count, out, out_stride);
}

/// Adds what the distances between queries and keys are worth to the scores of queries from `first` on.
static void add_distances(
    const ck_kernels *kernels, const ck_self_attention *x, const room *room, const head *head, const float *queries,
    const float *bias, ptrdiff_t first, ptrdiff_t count, ptrdiff_t padded
) {
    // The last query sees the distances from `lowest` on, the one before it those from the next on.
    const ptrdiff_t lowest = x->length - first - count, highest = 2 * x->length - 2 - first;
    const ck_rows panels = {lowest / CK_LANES, highest / CK_LANES + 1};
    const ptrdiff_t width = most_distances(x);
    score(kernels, x, room, &head->distances, panels, queries, bias, count, room->distance_scores, width);
    for (ptrdiff_t row = 0; row < count; row++) {
        const float *added = room->distance_scores + row * width + lowest - panels.first * CK_LANES + count - 1 - row;
        float *scores = room->scores + row * padded;
        for (ptrdiff_t key = 0; key < x->length; key++) scores[key] += added[key];
    }
}

static void attend(const ck_kernels *kernels, const work *work, const room *room, ptrdiff_t index, ptrdiff_t first) {
    const ck_self_attention *x = work->attention;
    const ptrdiff_t count = x->length - first < QUERIES ? x->length - first : QUERIES;
    const ptrdiff_t own = index % x->heads * x->head_size;
    head head;
    head_in(&head, work->packed + (size_t)index * work->head_bytes, x);
    const float *queries = head_of(x->query, x, index) + first * x->stride;
    const float *bias = x->distances ? x->content_bias + own : NULL;
    score(kernels, x, room, &head.keys, all_panels(&head.keys), queries, bias, count, room->scores, work->padded);
    if (x->distances) add_distances(kernels, x, room, &head, queries, x->distance_bias + own, first, count, work->padded);

    ck_operand operand = {.values = room->scores, .stride = work->padded};
    if (x->value_format != CK_FLOAT32) {
        operand = ck_codes_in(room->codes, QUERIES * work->padded);
        operand.stride = work->padded;
    }
    for (ptrdiff_t row = 0; row < count; row++) {
        float *scores = room->scores + row * work->padded;
        const ptrdiff_t place = row * work->padded, group = place / CK_GROUP;
        if (x->value_format == CK_FLOAT32) kernels->soften(scores, x->length, x->scale);
        else {
            kernels->soften_codes(
                scores, x->length, x->scale, work->padded, (int8_t *)operand.codes + place, (float *)operand.scales + group,
                (int32_t *)operand.offsets + group);
        }
    }
    float *out = x->output + (index / x->heads * x->length + first) * x->output_stride + own;
    multiply(kernels, &head.values, all_panels(&head.values), &operand, count, out, x->output_stride);
}

static room room_of(const ck_member *member, const work *work) {
    room room;
    lay_out(&room, work->threads + (size_t)member->index * work->thread_bytes, work);
    return room;
}

static void pack_piece(ck_member *member, const void *context, ptrdiff_t index) {
    const work *work = context;
    const room room = room_of(member, work);
    pack(ck_team_kernels(member->team), work, &room, index);
}

static ptrdiff_t blocks_of_queries(const ck_self_attention *x) { return (x->length + QUERIES - 1) / QUERIES; }

static void attend_piece(ck_member *member, const void *context, ptrdiff_t piece) {
    const work *work = context;
    const room room = room_of(member, work);
    const ptrdiff_t blocks = blocks_of_queries(work->attention);
    attend(ck_team_kernels(member->team), work, &room, piece / blocks, piece % blocks * QUERIES);
}

bool ck_self_attention_run(ck_team *team, const ck_self_attention *attention) {
    work work = {.attention = attention, .padded = rounded_up(attention->length, CK_GROUP)};
    const ptrdiff_t heads = attention->sequences * attention->heads;
    head head;
    room room;
    work.head_bytes = head_in(&head, NULL, attention);
    work.thread_bytes = aligned(lay_out(&room, NULL, &work));
    const ck_phase phases[] = {{pack_piece, &work, heads}, {attend_piece, &work, heads * blocks_of_queries(attention)}};
    const size_t bytes = work.head_bytes * (size_t)heads + work.thread_bytes * (size_t)ck_team_threads(team);
    return ck_team_run_in(team, bytes, place_work, &work, phases, 2);
}
