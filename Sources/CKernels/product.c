#include "product.h"

#include <string.h>

enum {
    /// Rows of one task of a product: a multiple of most tiles, so that few rows remain.
    ROWS = 60,
    /// Bytes of weights of a task: large enough to be efficient, and small enough to distribute the work evenly.
    PIECE = 128 << 10,
    /// The number of input rows that are processed in one task.
    INCOMING = 8,
    /// The number of bytes that a task in Winograd's form works with, and its number of tiles: a multiple of most tiles of products.
    NEAR = 512 << 10,
    MOST_TILES = 60,
    FEWEST_TILES = 12,
};

static size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }
static ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

size_t ck_codes_bytes(ptrdiff_t count) { return aligned((size_t)count) + 4 * aligned((size_t)(count / CK_GROUP) * 4); }

ck_operand ck_codes_in(void *memory, ptrdiff_t count) {
    size_t row = aligned((size_t)(count / CK_GROUP) * 4);
    char *after = (char *)memory + aligned((size_t)count);
    return (ck_operand){
        .codes = memory,
        .scales = (float *)after,
        .offsets = (int32_t *)(after + row),
        .suboffsets = (int32_t *)(after + 2 * row),
    };
}

void ck_round_row(const ck_kernels *kernels, const ck_operand *codes, ptrdiff_t place, const float *row, ptrdiff_t count, ptrdiff_t depth) {
    kernels->quantise(row, count, depth, (int8_t *)codes->codes + place, (float *)codes->scales + place / CK_GROUP,
        (int32_t *)codes->offsets + place / CK_GROUP, (int32_t *)codes->suboffsets + place / CK_SUBGROUP);
}

static void round_row(ck_member *member, const void *context, ptrdiff_t row) {
    const ck_rounding *x = context;
    const ck_matrix *matrix = x->matrix;
    ck_round_row(ck_team_kernels(member->team), &x->codes, row * matrix->depth, x->rows + row * x->stride, matrix->inputs, matrix->depth);
}

ck_phase ck_rounding_phase(const ck_rounding *rounding) { return (ck_phase){round_row, rounding, rounding->count}; }

void ck_multiplication_cut(ck_multiplication *x, const ck_team *team, ptrdiff_t sequences) {
    const ck_matrix *matrix = x->matrix;
    const size_t panel_bytes = matrix->weight_bytes / (size_t)matrix->panels;
    ptrdiff_t panels = ck_team_kernels(team)->tile_panels[matrix->format];
    x->blocks = (x->rows + ROWS - 1) / ROWS;
    if (matrix->gated && panels % 2) panels *= 2;
    while (2 * (size_t)panels * panel_bytes <= PIECE && matrix->panels / (2 * panels) * x->blocks * sequences >= 8 * ck_team_threads(team)) {
        panels *= 2;
    }
    x->strip_panels = panels;
    x->strips = (matrix->panels + panels - 1) / panels;
}

static void multiply_piece(ck_member *member, const void *context, ptrdiff_t piece) {
    const ck_multiplication *x = context;
    const ptrdiff_t block = piece % x->blocks, strip = piece / x->blocks, panels = x->strip_panels;
    ck_team_kernels(member->team)
        ->product[x->matrix->format](x->matrix, &x->operand, &x->result, (ck_rows){block * ROWS, smaller((block + 1) * ROWS, x->rows)},
            (ck_rows){strip * panels, smaller((strip + 1) * panels, x->matrix->panels)});
}

ck_phase ck_multiplication_phase(const ck_multiplication *x) { return (ck_phase){multiply_piece, x, x->strips * x->blocks}; }

// MARK: layers

static bool is_plain(const ck_way_in *in) { return !in->norm_weight && in->activation == CK_IDENTITY && !in->added; }

typedef struct layer {
    const ck_team *team;
    const ck_product *product;
    /// The sequences' rows with zeros before and after, as numbers or codes; the width of a row, and the number of rows of a sequence.
    ptrdiff_t width, stored;
    float *values;
    ck_operand codes;
    /// A row for each thread.
    float *row;
    ptrdiff_t row_stride;
    /// Whether the rows can be used unchanged.
    bool direct;
    /// How the product of a sequence is divided into tasks.
    ck_multiplication pieces;
    /// In Winograd's form: the tiles of a task, a row of zeros, and for each thread the input and output of the products.
    ptrdiff_t tiles;
    float *zeros;
    char *rooms;
    size_t room_bytes;
} layer;

/// Lays out the memory, or counts its bytes if there is none yet.
static size_t lay_out(layer *layer, char *memory) {
    const ck_product *product = layer->product;
    const ptrdiff_t count = layer->stored * product->sequences * layer->width;
    if (product->matrix->format == CK_FLOAT32) {
        const size_t bytes = layer->direct ? 0 : aligned((size_t)count * sizeof(float));
        const size_t zeros = product->matrix->points ? aligned((size_t)product->matrix->inputs * sizeof(float)) : 0;
        if (memory) {
            layer->values = (float *)memory;
            layer->zeros = memset(memory + bytes, 0, zeros);
            layer->rooms = memory + bytes + zeros;
        }
        return bytes + zeros + (size_t)ck_team_threads(layer->team) * layer->room_bytes;
    }
    if (memory) {
        layer->codes = ck_codes_in(memory, count);
        layer->row = (float *)(memory + ck_codes_bytes(count));
    }
    layer->row_stride = (product->matrix->inputs + CK_LANES - 1) / CK_LANES * CK_LANES;
    return ck_codes_bytes(count) + (size_t)(ck_team_threads(layer->team) * layer->row_stride) * sizeof(float);
}

static void place_layer(void *context, void *memory) { lay_out(context, memory); }

/// Applies the operations on inputs to one stored row of a sequence.
static void bring_in(ck_member *member, const layer *layer, ptrdiff_t sequence, ptrdiff_t stored) {
    const ck_product *product = layer->product;
    const ck_kernels *kernels = ck_team_kernels(member->team);
    const ck_way_in *in = &product->in;
    const ptrdiff_t inputs = product->matrix->inputs, index = stored - product->lead;
    const ptrdiff_t place = (sequence * layer->stored + stored) * layer->width;
    const bool is_float = product->matrix->format == CK_FLOAT32, is_zero = index < 0 || index >= product->length;
    const float *row = product->input + (sequence * product->length + index) * product->input_stride;
    float *out = is_float ? layer->values + place : layer->row + member->index * layer->row_stride;
    if (is_zero) memset(out, 0, (size_t)inputs * sizeof(float));
    else if (!is_plain(in)) kernels->transform(in, row, in->added ? in->added + sequence * inputs : NULL, NULL, inputs, out);
    else if (is_float) memcpy(out, row, (size_t)inputs * sizeof(float));
    if (!is_float) ck_round_row(kernels, &layer->codes, place, is_plain(in) && !is_zero ? row : out, inputs, layer->width);
}

static void bring_some_in(ck_member *member, const void *context, ptrdiff_t piece) {
    const layer *layer = context;
    const ptrdiff_t first = piece * INCOMING, all = layer->stored * layer->product->sequences;
    for (ptrdiff_t row = first; row < smaller(first + INCOMING, all); row++) {
        bring_in(member, layer, row / layer->stored, row % layer->stored);
    }
}

/// Has no tasks if the rows can be used unchanged.
static ck_phase bring_in_phase(const layer *layer) {
    const ptrdiff_t all = layer->stored * layer->product->sequences;
    return (ck_phase){bring_some_in, layer, layer->direct ? 0 : (all + INCOMING - 1) / INCOMING};
}

/// The destination of a sequence's results.
static ck_result result_of(const ck_product *product, ptrdiff_t sequence) {
    const ptrdiff_t first = sequence * product->result_length;
    return (ck_result){
        product->activation,
        product->residual ? product->residual + first * product->residual_stride : NULL,
        product->residual_stride,
        product->share,
        product->output + first * product->output_stride,
        product->output_stride,
    };
}

static void layer_piece(ck_member *member, const void *context, ptrdiff_t piece) {
    const layer *layer = context;
    const ck_product *product = layer->product;
    const ptrdiff_t row = layer->direct ? product->input_stride : layer->width;
    ck_multiplication own = layer->pieces;
    const ptrdiff_t pieces = own.strips * own.blocks, sequence = piece / pieces, place = sequence * layer->stored * row;
    own.operand = layer->codes;
    own.operand.stride = product->step * row;
    own.operand.tap_stride = product->dilation * row;
    if (own.matrix->format == CK_FLOAT32) {
        own.operand.values = (layer->direct ? product->input : layer->values) + place;
    } else {
        own.operand.codes += place;
        own.operand.scales += place / CK_GROUP;
        own.operand.offsets += place / CK_GROUP;
        own.operand.suboffsets += place / CK_SUBGROUP;
    }
    own.result = result_of(product, sequence);
    multiply_piece(member, &own, piece % pieces);
}

// MARK: Winograd's form

/// Tiles that follow each other within every `dilation`th row, from one of the first rows on.
static ptrdiff_t tiles_from(const ck_product *product, ptrdiff_t row) {
    const ptrdiff_t unit = CK_TILE * product->dilation;
    return (product->result_length - row + unit - 1) / unit;
}

/// The numbers in tiles before and after the products.
static ptrdiff_t points_before(const ck_matrix *matrix, ptrdiff_t tiles) { return (tiles + matrix->points->taps - 1) * matrix->inputs; }
static ptrdiff_t points_after(const ck_matrix *matrix, ptrdiff_t tiles) { return tiles * matrix->panels * CK_LANES; }

/// As many tiles for a task as fit into cache, and few enough that every thread gets some.
static void measure_tiles(layer *layer) {
    const ck_product *product = layer->product;
    const ck_matrix *matrix = product->matrix;
    const ptrdiff_t all = tiles_from(product, 0), rows = smaller(product->dilation, product->result_length);
    ptrdiff_t tiles = NEAR / (ptrdiff_t)sizeof(float) / ck_points(matrix) / (matrix->inputs + matrix->panels * CK_LANES);
    const ptrdiff_t share = all * rows * product->sequences / (4 * ck_team_threads(layer->team));
    tiles = smaller(smaller(tiles, share), MOST_TILES) / FEWEST_TILES * FEWEST_TILES;
    layer->tiles = tiles < FEWEST_TILES ? FEWEST_TILES : tiles;
    layer->room_bytes = (size_t)ck_points(matrix) *
        (aligned((size_t)points_before(matrix, layer->tiles) * sizeof(float)) + aligned((size_t)points_after(matrix, layer->tiles) * sizeof(float)));
}

/// A stored row of a sequence, or the row of zeros.
static const float *stored_row(const layer *layer, ptrdiff_t sequence, ptrdiff_t stored) {
    const ck_product *product = layer->product;
    if (!layer->direct) return stored < layer->stored ? layer->values + (sequence * layer->stored + stored) * layer->width : layer->zeros;
    const ptrdiff_t index = stored - product->lead;
    if (index < 0 || index >= product->length) return layer->zeros;
    return product->input + (sequence * product->length + index) * product->input_stride;
}

static void filter_tiles(const layer *layer, char *room, ptrdiff_t sequence, ptrdiff_t row, ptrdiff_t first, ptrdiff_t tiles) {
    const ck_product *product = layer->product;
    const ck_matrix *matrix = product->matrix;
    const ck_kernels *kernels = ck_team_kernels(layer->team);
    const ptrdiff_t width = matrix->inputs, dilation = product->dilation, out_width = matrix->panels * CK_LANES;
    float *before = (float *)room;
    const ptrdiff_t before_stride = (ptrdiff_t)(aligned((size_t)points_before(matrix, layer->tiles) * sizeof(float)) / sizeof(float));
    float *after = before + ck_points(matrix) * before_stride;
    const ptrdiff_t after_stride = points_after(matrix, layer->tiles);

    for (ptrdiff_t tile = 0; tile < tiles + matrix->points->taps - 1; tile++) {
        const float *rows[CK_MOST_POINTS];
        for (ptrdiff_t i = 0; i < ck_points(matrix); i++) {
            rows[i] = stored_row(layer, sequence, row + ((first + tile) * CK_TILE + i) * dilation);
        }
        kernels->to_points[matrix->span - 3](rows, width, before + tile * width, before_stride);
    }
    for (ptrdiff_t point = 0; point < ck_points(matrix); point++) {
        const ck_operand operand = {.values = before + point * before_stride, .stride = width, .tap_stride = width};
        const ck_result result = {.values = after + point * after_stride, .stride = out_width};
        kernels->product[CK_FLOAT32](&matrix->points[point], &operand, &result, (ck_rows){0, tiles}, (ck_rows){0, matrix->panels});
    }
    const ck_result result = result_of(product, sequence);
    for (ptrdiff_t tile = 0; tile < tiles; tile++) {
        ptrdiff_t rows[CK_TILE], count = 0;
        for (; count < CK_TILE; count++) {
            rows[count] = row + ((first + tile) * CK_TILE + count) * dilation;
            if (rows[count] >= product->result_length) break;
        }
        kernels->from_points[matrix->span - 3](matrix, &result, after + tile * out_width, after_stride, rows, count);
    }
}

static ptrdiff_t blocks_of_tiles(const layer *layer) { return (tiles_from(layer->product, 0) + layer->tiles - 1) / layer->tiles; }

static void winograd_piece(ck_member *member, const void *context, ptrdiff_t piece) {
    const layer *layer = context;
    const ck_product *product = layer->product;
    char *room = layer->rooms + (size_t)member->index * layer->room_bytes;
    const ptrdiff_t blocks = blocks_of_tiles(layer), rows = product->dilation;
    const ptrdiff_t first = piece % blocks * layer->tiles, row = piece / blocks % rows;
    const ptrdiff_t tiles = smaller(tiles_from(product, row) - first, layer->tiles);
    if (row < product->result_length && tiles > 0) filter_tiles(layer, room, piece / blocks / rows, row, first, tiles);
}

bool ck_product_run(ck_team *team, const ck_product *product) {
    if (product->result_length == 0 || product->sequences == 0) return true;
    const ck_matrix *matrix = product->matrix;
    const ptrdiff_t last = (product->result_length - 1) * product->step + (matrix->taps - 1) * product->dilation;
    layer layer = {.team = team, .product = product, .width = matrix->tap_depth};
    layer.stored = product->lead + product->length > last + 1 ? product->lead + product->length : last + 1;
    layer.direct = matrix->format == CK_FLOAT32 && is_plain(&product->in) && layer.stored == product->length;
    if (matrix->points) {
        layer.direct = is_plain(&product->in);
        measure_tiles(&layer);
    }
    layer.pieces = (ck_multiplication){.matrix = matrix, .rows = product->result_length};
    ck_multiplication_cut(&layer.pieces, team, product->sequences);
    const ck_phase multiply = matrix->points ? (ck_phase){winograd_piece, &layer, blocks_of_tiles(&layer) * product->dilation * product->sequences}
                                             : (ck_phase){layer_piece, &layer, layer.pieces.strips * layer.pieces.blocks * product->sequences};
    const ck_phase phases[] = {bring_in_phase(&layer), multiply};
    return ck_team_run_in(team, lay_out(&layer, NULL), place_layer, &layer, phases, 2);
}

static void take_rows_in(ck_member *member, const void *context, ptrdiff_t piece) {
    const ck_rows_in *rows = context;
    const ptrdiff_t first = piece * INCOMING, all = rows->sequences * rows->length;
    for (ptrdiff_t row = first; row < smaller(first + INCOMING, all); row++) {
        float *out = rows->output + row * rows->output_stride;
        const float *added = rows->in.added ? rows->in.added + row / rows->length * rows->width : NULL;
        const float *residual = rows->residual ? rows->residual + row * rows->residual_stride : NULL;
        ck_team_kernels(member->team)->transform(&rows->in, rows->input + row * rows->input_stride, added, residual, rows->width, out);
    }
}

void ck_rows_in_run(ck_team *team, const ck_rows_in *rows) {
    const ptrdiff_t all = rows->sequences * rows->length;
    ck_team_run(team, &(ck_phase){take_rows_in, rows, (all + INCOMING - 1) / INCOMING}, 1);
}
