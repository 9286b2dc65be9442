#include "ck_matrix.h"

#include "memory.h"
#include "team.h"

#include <stdlib.h>
#include <string.h>

typedef struct packing {
    const ck_matrix *matrix;
    const ck_source *sources;
    int32_t source_count;
    /// For each thread, a panel for packing, `[depth, 16]`.
    float *tiles;
} packing;

static ptrdiff_t tile_count(const ck_matrix *matrix) { return matrix->depth * CK_LANES; }

static void place_tiles(void *context, void *memory) { ((packing *)context)->tiles = memory; }

/// The number, in the order of the sources, of the output in a panel's lane; −1 for padding.
static ptrdiff_t output_at(const ck_matrix *matrix, ptrdiff_t panel, ptrdiff_t lane) {
    ptrdiff_t outputs = matrix->gated ? matrix->outputs / 2 : matrix->outputs;
    ptrdiff_t output = (matrix->gated ? panel / 2 : panel) * CK_LANES + lane;
    if (output >= outputs) return -1;
    return matrix->gated && panel % 2 ? output + outputs : output;
}

/// Finds an output's source, and its number in that source.
static const ck_source *source_of(const packing *work, ptrdiff_t *output) {
    const ck_source *source = work->sources;
    for (; *output >= source->outputs; source++) *output -= source->outputs;
    return source;
}

/// Collects the weights of a panel's tap as `[inputs, 16]`.
static void gather(const packing *work, ptrdiff_t panel, ptrdiff_t tap, float *tile) {
    const ck_matrix *matrix = work->matrix;
    // Inputs are processed in short runs, so that matrices of either layout are read in whole cache lines.
    for (ptrdiff_t first = 0; first < matrix->inputs; first += CK_LANES) {
        ptrdiff_t end = first + CK_LANES < matrix->inputs ? first + CK_LANES : matrix->inputs;
        for (ptrdiff_t lane = 0; lane < CK_LANES; lane++) {
            ptrdiff_t output = output_at(matrix, panel, lane);
            if (output < 0) continue;
            const ck_source *source = source_of(work, &output);
            const float *weights = source->weights + output * source->output_stride + tap * source->tap_stride;
            for (ptrdiff_t input = first; input < end; input++) tile[input * CK_LANES + lane] = weights[input * source->input_stride];
        }
    }
}

static void pack_panel(ck_member *member, const void *context, ptrdiff_t panel) {
    const packing *work = context;
    const ck_matrix *matrix = work->matrix;
    float *tile = work->tiles + member->index * tile_count(matrix);
    memset(tile, 0, (size_t)tile_count(matrix) * sizeof(float));
    for (ptrdiff_t lane = 0; lane < CK_LANES; lane++) {
        ptrdiff_t output = output_at(matrix, panel, lane);
        if (output < 0) continue;
        const ck_source *source = source_of(work, &output);
        if (matrix->bias && source->bias) matrix->bias[panel * CK_LANES + lane] = source->bias[output];
    }
    for (ptrdiff_t tap = 0; tap < matrix->taps; tap++) gather(work, panel, tap, tile + tap * matrix->tap_depth * CK_LANES);
    ck_team_kernels(member->team)->pack[matrix->format](matrix, panel, tile);
}

/// Transforms weights to Winograd's form, in the same order; false if there is not enough memory.
static bool to_points(ck_matrix *matrix) {
    // Several spans of 3 would not begin where tiles begin.
    matrix->span = matrix->taps <= 3 ? 3 : CK_TILE;
    const ptrdiff_t span = matrix->span, points = ck_points(matrix), taps = (matrix->taps + span - 1) / span;
    const ptrdiff_t run = matrix->inputs * CK_LANES;
    static const float places[] = {0, 1, -1, 2, -2, 0.5f};
    matrix->points = calloc((size_t)points, sizeof(ck_matrix));
    if (!matrix->points) return false;
    for (ptrdiff_t point = 0; point < points; point++) {
        ck_matrix *own = &matrix->points[point];
        *own = (ck_matrix){.format = CK_FLOAT32, .inputs = matrix->inputs, .taps = taps, .outputs = matrix->panels * CK_LANES};
        own->tap_depth = matrix->inputs;
        own->depth = own->tap_depth * taps;
        own->panels = matrix->panels;
        own->weight_bytes = (size_t)(own->panels * own->depth * CK_LANES) * sizeof(float);
        own->weights = ck_memory_take(own->weight_bytes, true);
        if (!own->weights) return false;
        for (ptrdiff_t panel = 0; panel < matrix->panels; panel++) {
            for (ptrdiff_t tap = 0; tap < matrix->taps; tap++) {
                // Powers of the point; at ∞ only the last coefficient.
                float power = point < points - 1 || tap % span == span - 1;
                for (ptrdiff_t i = 0; point < points - 1 && i < tap % span; i++) power *= places[point];
                const float *from = (const float *)matrix->weights + (panel * matrix->taps + tap) * run;
                float *to = (float *)own->weights + (panel * taps + tap / span) * run;
                for (ptrdiff_t i = 0; power != 0 && i < run; i++) to[i] += power * from[i];
            }
        }
    }
    ck_memory_give(matrix->weights, matrix->weight_bytes);
    matrix->weights = NULL;
    matrix->weight_bytes = (size_t)points * matrix->points[0].weight_bytes;
    return true;
}

ck_matrix *ck_matrix_pack(
    ck_team *team, ck_format format, ptrdiff_t inputs, ptrdiff_t taps, const ck_source *sources, int32_t source_count, bool gated, bool winograd) {
    if (winograd && (format != CK_FLOAT32 || gated)) return NULL;
    if (format < CK_FLOAT32 || format > CK_INT4 || inputs < 1 || taps < 1 || source_count < 1) return NULL;
    if (gated && (source_count != 2 || sources[0].outputs != sources[1].outputs)) return NULL;
    ck_matrix *matrix = calloc(1, sizeof(ck_matrix));
    if (!matrix) return NULL;
    matrix->format = format;
    matrix->inputs = inputs;
    matrix->taps = taps;
    matrix->gated = gated;
    bool biased = false;
    for (int32_t index = 0; index < source_count; index++) {
        matrix->outputs += sources[index].outputs;
        biased = biased || sources[index].bias;
    }
    matrix->panels = gated ? 2 * ((sources[0].outputs + CK_LANES - 1) / CK_LANES) : (matrix->outputs + CK_LANES - 1) / CK_LANES;
    matrix->tap_depth = format == CK_FLOAT32 ? inputs : (inputs + CK_GROUP - 1) / CK_GROUP * CK_GROUP;
    matrix->depth = matrix->tap_depth * taps;
    size_t cells = (size_t)(matrix->panels * CK_LANES * matrix->depth);
    matrix->weight_bytes = format == CK_FLOAT32 ? cells * 4 : format == CK_INT8 ? cells : cells / 2;
    matrix->scale_bytes = format == CK_FLOAT32 ? 0 : cells / (format == CK_INT8 ? CK_GROUP : CK_SUBGROUP) * sizeof(uint16_t);
    matrix->weights = ck_memory_take(matrix->weight_bytes, true);
    matrix->scales = ck_memory_take(matrix->scale_bytes, false);
    matrix->bias = biased ? calloc((size_t)(matrix->panels * CK_LANES), sizeof(float)) : NULL;
    if (matrix->weights && matrix->scales && (!biased || matrix->bias)) {
        packing work = {matrix, sources, source_count, NULL};
        const ck_phase phase = {pack_panel, &work, matrix->panels};
        const size_t bytes = (size_t)(ck_team_threads(team) * tile_count(matrix)) * sizeof(float);
        if (ck_team_run_in(team, bytes, place_tiles, &work, &phase, 1) && (!winograd || to_points(matrix))) return matrix;
    }
    ck_matrix_free(matrix);
    return NULL;
}

void ck_matrix_free(ck_matrix *matrix) {
    if (!matrix) return;
    for (ptrdiff_t point = 0; matrix->points && point < ck_points(matrix); point++) {
        ck_memory_give(matrix->points[point].weights, matrix->points[point].weight_bytes);
    }
    free(matrix->points);
    ck_memory_give(matrix->weights, matrix->weight_bytes);
    ck_memory_give(matrix->scales, matrix->scale_bytes);
    free(matrix->bias);
    free(matrix);
}

ptrdiff_t ck_matrix_inputs(const ck_matrix *matrix) { return matrix->inputs; }
ptrdiff_t ck_matrix_taps(const ck_matrix *matrix) { return matrix->taps; }
bool ck_matrix_is_gated(const ck_matrix *matrix) { return matrix->gated; }
ptrdiff_t ck_matrix_outputs(const ck_matrix *matrix) { return matrix->outputs; }
ptrdiff_t ck_matrix_tile(const ck_matrix *matrix) { return matrix->points ? CK_TILE : 1; }
ptrdiff_t ck_matrix_tile_taps(const ck_matrix *matrix) {
    return matrix->points ? (matrix->points->taps - 1) * CK_TILE + ck_points(matrix) : matrix->taps;
}
size_t ck_matrix_bytes(const ck_matrix *matrix) { return matrix->weight_bytes + matrix->scale_bytes; }

static float scale_of(const ck_matrix *matrix, ptrdiff_t panel, ptrdiff_t lane, ptrdiff_t group, ptrdiff_t groups) {
    uint32_t bits = (uint32_t)matrix->scales[(panel * groups + group) * CK_LANES + lane] << 16;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return scale;
}

static float weight_at(const ck_matrix *matrix, ptrdiff_t panel, ptrdiff_t lane, ptrdiff_t input) {
    const ptrdiff_t depth = matrix->depth;
    const uint8_t *bytes = matrix->weights;
    if (matrix->points) {
        const ptrdiff_t tap = input / matrix->inputs, span = matrix->span;
        const ptrdiff_t place = tap / span * matrix->inputs + input % matrix->inputs;
        const float first = weight_at(&matrix->points[0], panel, lane, place);
        const float last = weight_at(&matrix->points[ck_points(matrix) - 1], panel, lane, place);
        const float plus = weight_at(&matrix->points[1], panel, lane, place), minus = weight_at(&matrix->points[2], panel, lane, place);
        if (tap % span == span - 1) return last;
        if (tap % span == 0) return first;
        return tap % span == 1 ? (plus - minus) / 2 - (span == 4 ? last : 0) : (plus + minus) / 2 - first;
    }
    if (matrix->format == CK_FLOAT32) return ((const float *)matrix->weights)[(panel * depth + input) * CK_LANES + lane];
    if (matrix->format == CK_INT8) {
        int code = bytes[(panel * depth + input / 4 * 4) * CK_LANES + lane * 4 + input % 4] - 128;
        return (float)code * scale_of(matrix, panel, lane, input / CK_GROUP, depth / CK_GROUP);
    }
    int both = bytes[(panel * depth + input / 8 * 8) / 2 * CK_LANES + lane * 4 + input % 4];
    int code = (input % 8 < 4 ? both & 15 : both >> 4) - 8;
    return (float)code * scale_of(matrix, panel, lane, input / CK_SUBGROUP, depth / CK_SUBGROUP);
}

void ck_matrix_unpack(const ck_matrix *matrix, float *weights) {
    for (ptrdiff_t panel = 0; panel < matrix->panels; panel++) {
        for (ptrdiff_t lane = 0; lane < CK_LANES; lane++) {
            ptrdiff_t output = output_at(matrix, panel, lane);
            if (output < 0) continue;
            for (ptrdiff_t tap = 0; tap < matrix->taps; tap++) {
                float *out = weights + (output * matrix->taps + tap) * matrix->inputs;
                for (ptrdiff_t input = 0; input < matrix->inputs; input++) {
                    out[input] = weight_at(matrix, panel, lane, tap * matrix->tap_depth + input);
                }
            }
        }
    }
}
