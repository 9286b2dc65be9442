#include "memory.h"
#include "product.h"

#include <stdlib.h>
#include <string.h>

enum {
    /// Queries of one task.
    QUERIES = 60,
};

/// Rows of keys and values: stored rows before the queries, or the queries' own rows.
typedef struct stretch {
    ptrdiff_t length;
    /// The position of its scores in a row of scores.
    ptrdiff_t column;
    /// Packed keys and values of all heads, and distances; `distance_place` is the byte offset of the distances within a head's memory.
    char *packed;
    size_t distance_place;
    const float *distances;
} stretch;

typedef struct work {
    const ck_self_attention *attention;
    /// The queries' own rows are the last.
    stretch stretches[CK_MOST_STRETCHES];
    ptrdiff_t count;
    /// The length of a row of scores with padding, and of the longest stretch.
    ptrdiff_t padded, longest;
    size_t own_bytes, distance_bytes;
    char *distances;
    /// For each thread: scores, a tile for packing, codes of queries or weights.
    char *threads;
    size_t thread_bytes;
} work;

struct ck_kept_rows {
    ptrdiff_t sequences, heads, head_size, length;
    ck_format key_format, value_format;
    size_t head_bytes, bytes;
    char *memory;
};

static size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }
static ptrdiff_t rounded_up(ptrdiff_t count, ptrdiff_t unit) { return (count + unit - 1) / unit * unit; }
static ptrdiff_t larger(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

/// Creates an empty matrix in the given memory; returns the number of bytes that it needs.
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

/// Keys and values of some rows of one head, packed as matrices of products: scores = queries × keys, results = weights × values.
typedef struct head {
    ck_matrix keys, values;
} head;

static size_t head_in(head *head, char *memory, const ck_self_attention *x, ptrdiff_t length) {
    const size_t bytes = matrix_in(&head->keys, memory, x->key_format, x->head_size, length);
    return bytes + matrix_in(&head->values, memory ? memory + bytes : NULL, x->value_format, length, x->head_size);
}

/// The matrix of distances, for the product of queries and distances that is added to the scores.
static size_t distances_in(ck_matrix *matrix, char *memory, const ck_self_attention *x, ptrdiff_t length) {
    return matrix_in(matrix, memory, x->key_format, x->head_size, x->length + length - 1);
}

/// The memory in which one thread works.
typedef struct room {
    float *scores, *tile;
    void *codes;
    /// With distances: the values added to scores, and queries with a bias.
    float *distance_scores, *queries;
} room;

/// The number of distances between a block of queries and a stretch, rounded up to whole panels.
static ptrdiff_t most_distances(const work *work) { return rounded_up(work->longest + QUERIES, CK_LANES) + CK_LANES; }

static size_t lay_out(room *room, char *memory, const work *work) {
    const ck_self_attention *x = work->attention;
    const ptrdiff_t widest = rounded_up(larger(x->head_size, work->padded), CK_GROUP);
    const size_t scores = (size_t)(QUERIES * work->padded) * sizeof(float);
    const size_t tile = (size_t)(rounded_up(larger(x->head_size, x->length), CK_GROUP) * CK_LANES) * sizeof(float);
    const size_t codes = aligned(ck_codes_bytes(QUERIES * widest));
    const size_t distances = x->distances ? (size_t)(QUERIES * most_distances(work)) * sizeof(float) : 0;
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

static ptrdiff_t head_count(const ck_self_attention *x) { return x->sequences * x->heads; }

static void place_work(void *context, void *memory) {
    work *work = context;
    char *next = memory;
    stretch *own = &work->stretches[work->count - 1];
    if (!own->packed) {
        own->packed = next;
        next += work->own_bytes * (size_t)head_count(work->attention);
    }
    work->distances = next;
    work->threads = next + work->distance_bytes * (size_t)work->attention->heads;
}

/// The first number of a head in a tensor of queries, keys or values.
static const float *head_of(const float *rows, const ck_self_attention *x, ptrdiff_t index) {
    return rows + index / x->heads * x->length * x->stride + index % x->heads * x->head_size;
}

/// Packs rows of one head as the outputs of a matrix.
static void pack_rows(const ck_kernels *kernels, const ck_matrix *matrix, float *tile, const float *rows, ptrdiff_t stride) {
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

/// Packs the queries' own rows of one head, and the distances between them.
static void pack(const ck_kernels *kernels, const work *work, const room *room, ptrdiff_t index) {
    const ck_self_attention *x = work->attention;
    head head;
    head_in(&head, work->stretches[work->count - 1].packed + (size_t)index * work->own_bytes, x, x->length);
    pack_rows(kernels, &head.keys, room->tile, head_of(x->key, x, index), x->stride);
    for (ptrdiff_t i = 0; x->distances && index < x->heads && i < work->count; i++) {
        const stretch *stretch = &work->stretches[i];
        ck_matrix distances;
        distances_in(&distances, work->distances + (size_t)index * work->distance_bytes + stretch->distance_place, x, stretch->length);
        pack_rows(kernels, &distances, room->tile, stretch->distances + index * x->head_size, x->distance_stride);
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

static void multiply(const ck_kernels *kernels, const ck_matrix *matrix, ck_rows panels, const ck_operand *operand, ptrdiff_t count, float *out,
    ptrdiff_t out_stride, bool adds) {
    float *values = out - panels.first * CK_LANES;
    const ck_result result = {.values = values, .stride = out_stride, .residual = adds ? values : NULL, .residual_stride = out_stride};
    kernels->product[matrix->format](matrix, operand, &result, (ck_rows){0, count}, panels);
}

static ck_rows all_panels(const ck_matrix *matrix) { return (ck_rows){0, matrix->panels}; }

/// Queries, with or without a bias, as operands of the products with keys and distances.
static ck_operand queries_in(
    const ck_kernels *kernels, const ck_self_attention *x, const room *room, const float *queries, const float *bias, ptrdiff_t count) {
    ptrdiff_t stride = x->stride;
    if (bias) {
        for (ptrdiff_t row = 0; row < count; row++) {
            for (ptrdiff_t i = 0; i < x->head_size; i++) room->queries[row * x->head_size + i] = queries[row * stride + i] + bias[i];
        }
        queries = room->queries;
        stride = x->head_size;
    }
    if (x->key_format == CK_FLOAT32) return (ck_operand){.values = queries, .stride = stride};
    const ptrdiff_t depth = rounded_up(x->head_size, CK_GROUP);
    ck_operand operand = ck_codes_in(room->codes, QUERIES * depth);
    operand.stride = depth;
    for (ptrdiff_t row = 0; row < count; row++) {
        ck_round_row(kernels, &operand, row * depth, queries + row * stride, x->head_size, depth);
    }
    return operand;
}

/// Adds the scores of the distances between queries and a stretch's keys to the scores of queries from `first` on.
static void add_distances(const ck_kernels *kernels, const work *work, const room *room, const stretch *stretch, ptrdiff_t head,
    const ck_operand *queries, ptrdiff_t first, ptrdiff_t count) {
    const ck_self_attention *x = work->attention;
    ck_matrix distances;
    distances_in(&distances, work->distances + (size_t)head * work->distance_bytes + stretch->distance_place, x, stretch->length);
    // The last query uses the distances from `lowest` on, the one before it those from the next on.
    const ptrdiff_t lowest = x->length - first - count, highest = x->length + stretch->length - 2 - first;
    const ck_rows panels = {lowest / CK_LANES, highest / CK_LANES + 1};
    const ptrdiff_t width = most_distances(work);
    multiply(kernels, &distances, panels, queries, count, room->distance_scores, width, false);
    for (ptrdiff_t row = 0; row < count; row++) {
        const float *added = room->distance_scores + row * width + lowest - panels.first * CK_LANES + count - 1 - row;
        float *scores = room->scores + row * work->padded + stretch->column;
        for (ptrdiff_t key = 0; key < stretch->length; key++) scores[key] += added[key];
    }
}

static head head_at(const work *work, const stretch *stretch, ptrdiff_t index) {
    head head;
    const size_t bytes = head_in(&head, NULL, work->attention, stretch->length);
    head_in(&head, stretch->packed + (size_t)index * bytes, work->attention, stretch->length);
    return head;
}

static void attend(const ck_kernels *kernels, const work *work, const room *room, ptrdiff_t index, ptrdiff_t first) {
    const ck_self_attention *x = work->attention;
    const ptrdiff_t count = x->length - first < QUERIES ? x->length - first : QUERIES;
    const ptrdiff_t own = index % x->heads * x->head_size, padded = work->padded;
    const float *rows = head_of(x->query, x, index) + first * x->stride;
    ck_operand queries = queries_in(kernels, x, room, rows, x->distances ? x->content_bias + own : NULL, count);
    for (ptrdiff_t i = 0; i < work->count; i++) {
        const head head = head_at(work, &work->stretches[i], index);
        multiply(kernels, &head.keys, all_panels(&head.keys), &queries, count, room->scores + work->stretches[i].column, padded, false);
    }
    if (x->distances) {
        queries = queries_in(kernels, x, room, rows, x->distance_bias + own, count);
        for (ptrdiff_t i = 0; i < work->count; i++) {
            add_distances(kernels, work, room, &work->stretches[i], index % x->heads, &queries, first, count);
        }
    }

    const stretch *last = &work->stretches[work->count - 1];
    const ptrdiff_t end = last->column + last->length;
    ck_operand operand = {.values = room->scores, .stride = padded};
    if (x->value_format != CK_FLOAT32) {
        operand = ck_codes_in(room->codes, QUERIES * padded);
        operand.stride = padded;
    }
    for (ptrdiff_t row = 0; row < count; row++) {
        float *scores = room->scores + row * padded;
        // The padding between stretches gets no attention.
        for (ptrdiff_t i = 0; i + 1 < work->count; i++) {
            const ptrdiff_t next = work->stretches[i + 1].column;
            for (ptrdiff_t key = work->stretches[i].column + work->stretches[i].length; key < next; key++) scores[key] = -3.0e38f;
        }
        const ptrdiff_t place = row * padded, group = place / CK_GROUP;
        if (x->value_format == CK_FLOAT32) kernels->soften(scores, end, x->scale);
        else {
            kernels->soften_codes(
                scores, end, x->scale, padded, (int8_t *)operand.codes + place, (float *)operand.scales + group, (int32_t *)operand.offsets + group);
        }
    }
    float *out = x->output + (index / x->heads * x->length + first) * x->output_stride + own;
    for (ptrdiff_t i = 0; i < work->count; i++) {
        const ptrdiff_t column = work->stretches[i].column;
        ck_operand part = {.stride = padded};
        if (x->value_format == CK_FLOAT32) part.values = operand.values + column;
        else {
            part.codes = operand.codes + column;
            part.scales = operand.scales + column / CK_GROUP;
            part.offsets = operand.offsets + column / CK_GROUP;
        }
        const head head = head_at(work, &work->stretches[i], index);
        multiply(kernels, &head.values, all_panels(&head.values), &part, count, out, x->output_stride, i > 0);
    }
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

/// Appends a stretch.
static void add_stretch(work *work, ptrdiff_t length, char *packed, const float *distances) {
    ck_matrix matrix;
    stretch *stretch = &work->stretches[work->count++];
    stretch->length = length;
    stretch->column = work->padded;
    stretch->packed = packed;
    stretch->distances = distances;
    stretch->distance_place = work->distance_bytes;
    work->padded += rounded_up(length, CK_GROUP);
    work->longest = larger(work->longest, length);
    if (work->attention->distances) work->distance_bytes += distances_in(&matrix, NULL, work->attention, length);
}

static ck_kept_rows *make_kept(const ck_self_attention *x, size_t head_bytes) {
    ck_kept_rows *kept = malloc(sizeof *kept);
    if (!kept) return NULL;
    *kept = (ck_kept_rows){
        .sequences = x->sequences,
        .heads = x->heads,
        .head_size = x->head_size,
        .length = x->length,
        .key_format = x->key_format,
        .value_format = x->value_format,
        .head_bytes = head_bytes,
        .bytes = head_bytes * (size_t)head_count(x),
    };
    kept->memory = ck_memory_take(kept->bytes, false);
    if (kept->memory) return kept;
    free(kept);
    return NULL;
}

void ck_kept_rows_free(ck_kept_rows *kept) {
    if (!kept) return;
    ck_memory_give(kept->memory, kept->bytes);
    free(kept);
}

size_t ck_kept_rows_bytes(const ck_kept_rows *kept) { return kept->bytes; }
ptrdiff_t ck_kept_rows_length(const ck_kept_rows *kept) { return kept->length; }

bool ck_kept_rows_fit(const ck_kept_rows *kept, const ck_self_attention *x) {
    return kept->sequences == x->sequences && kept->heads == x->heads && kept->head_size == x->head_size && kept->key_format == x->key_format &&
        kept->value_format == x->value_format;
}

bool ck_self_attention_run(ck_team *team, const ck_self_attention *attention) {
    work work = {.attention = attention};
    head head;
    room room;
    work.own_bytes = head_in(&head, NULL, attention, attention->length);
    if (attention->kept && !(*attention->kept = make_kept(attention, work.own_bytes))) return false;
    for (ptrdiff_t i = 0; i < attention->before_count; i++) {
        add_stretch(&work, attention->before[i]->length, attention->before[i]->memory, attention->distances ? attention->before_distances[i] : NULL);
    }
    add_stretch(&work, attention->length, attention->kept ? (*attention->kept)->memory : NULL, attention->distances);
    work.thread_bytes = aligned(lay_out(&room, NULL, &work));
    const ptrdiff_t heads = head_count(attention);
    const ck_phase phases[] = {{pack_piece, &work, heads}, {attend_piece, &work, heads * blocks_of_queries(attention)}};
    const size_t bytes = (attention->kept ? 0 : work.own_bytes * (size_t)heads) + work.distance_bytes * (size_t)attention->heads +
        work.thread_bytes * (size_t)ck_team_threads(team);
    if (ck_team_run_in(team, bytes, place_work, &work, phases, 2)) return true;
    if (attention->kept) {
        ck_kept_rows_free(*attention->kept);
        *attention->kept = NULL;
    }
    return false;
}
