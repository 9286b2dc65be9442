// The functions of which every instruction set has a version, and their common data layouts.
#ifndef CK_INTERNAL_KERNELS_H
#define CK_INTERNAL_KERNELS_H

#include "ck_product.h"
#include "ck_sample.h"

enum {
    /// The number of outputs that are computed together: a panel of a matrix.
    CK_LANES = 16,
    /// The number of activations with a common scale, and of 8-bit weights.
    CK_GROUP = 64,
    /// The number of 4-bit weights with a common scale.
    CK_SUBGROUP = 32,
    /// Winograd's minimal filtering computes 4 results of 3 or 4 taps with products at 6 or 7 points instead of 12 or 16 products.
    CK_TILE = 4,
    CK_MOST_POINTS = 7,
    /// The number of queries whose attention is computed together.
    CK_TOGETHER = 4,
};

/// Packed weights. Panels of 16 outputs follow each other; within a panel the inputs follow each other, and for each
/// input (or 4, or 8 of them) the 16 outputs:
///
///     float32   for each input, 16 numbers
///     int8      for every 4 inputs, 16 times 4 bytes; a byte is the code + 128
///     int4      for every 8 inputs, 16 times 4 bytes; a byte holds the codes + 8 of input i and, above it, of i + 4
///
/// Taps follow each other. The inputs of each are filled up with zeros to a whole number of groups where codes are stored,
/// outputs to a whole panel.
struct ck_matrix {
    ck_format format;
    ptrdiff_t inputs, taps, outputs;
    /// The number of inputs of a tap with padding, and of all taps together.
    ptrdiff_t tap_depth, depth;
    ptrdiff_t panels;
    /// Whether outputs of two sources alternate panel by panel.
    bool gated;
    void *weights;
    /// The upper halves of float32 numbers, 16 for each group (int8) or subgroup (int4) of a panel.
    uint16_t *scales;
    /// `[panels, 16]`, or null.
    float *bias;
    size_t weight_bytes, scale_bytes;
    /// In Winograd's form, instead of weights: the number of taps that are filtered together, and for each of `CK_TILE` + span − 1 points a matrix
    /// without bias, with one tap for each span. Otherwise 0 and null.
    ptrdiff_t span;
    struct ck_matrix *points;
};

/// The number of points of Winograd's form.
static inline ptrdiff_t ck_points(const ck_matrix *matrix) { return CK_TILE + matrix->span - 1; }

/// Rows of activations, in float32 or rounded to 8 bits.
typedef struct ck_operand {
    /// For float32 matrices.
    const float *values;
    /// For others: value ≈ code × scale of its group.
    const int8_t *codes;
    /// The distances from one row of results to the next and from one tap to the next, in numbers or codes.
    ptrdiff_t stride, tap_stride;
    /// One for each group of codes.
    const float *scales;
    /// The sum of a group's codes times −128: compensates for the 128 in the codes of weights.
    const int32_t *offsets;
    /// The same for each subgroup, times −8.
    const int32_t *suboffsets;
} ck_operand;

/// The destination of products.
typedef struct ck_result {
    ck_activation activation;
    const float *residual;
    ptrdiff_t residual_stride;
    float share;
    float *values;
    ptrdiff_t stride;
    /// For each row the values added before the activation, in the layout of the matrix's panels; null, for a row or for all rows, adds nothing.
    const float *const *additions;
} ck_result;

typedef struct ck_rows {
    ptrdiff_t first, end;
} ck_rows;

/// One query's attention to the keys and values of its head.
typedef struct ck_attention {
    /// `[head size]`, scaled and rotated. Overwritten if keys have 8 bits.
    float *query;
    /// Memory of 16 positions each, and the offsets in bytes of the head's keys and values in it, in the kernels' layout.
    void *const *pages;
    size_t keys, values;
    ptrdiff_t length;
    /// A multiple of 16.
    ptrdiff_t head_size;
    /// Working memory of `length` numbers, rounded up to 64; afterwards it contains the positions' weights.
    float *weights;
    /// `[head size]`
    float *output;
} ck_attention;

/// The size of the working memory for drawing a token: four numbers for each token, and the random words of a draw.
static inline size_t ck_sample_memory(ptrdiff_t vocabulary) {
    const size_t padded = ((size_t)vocabulary + CK_LANES - 1) / CK_LANES * CK_LANES;
    const size_t numbers = 6 * padded + 2 * CK_RANDOM_WORDS + CK_LANES;
    return (numbers + CK_LANES - 1) / CK_LANES * CK_LANES * sizeof(float);
}

typedef struct ck_kernels {
    const char *name;
    /// The numbers of rows of activations and of panels that a tile covers, by format.
    ptrdiff_t tile_rows[3], tile_panels[3];
    /// Products of some rows with some panels.
    void (*product[3])(const ck_matrix *, const ck_operand *, const ck_result *, ck_rows rows, ck_rows panels);
    /// Packs 16 outputs from `[depth, 16]`.
    void (*pack[3])(const ck_matrix *, ptrdiff_t panel, const float *tile);
    /// Rounds a row of `count` numbers, with zeros after it up to the operand's depth.
    void (*quantise)(const float *row, ptrdiff_t count, ptrdiff_t depth, int8_t *codes, float *scales, int32_t *offsets, int32_t *suboffsets);
    /// Applies the operations on inputs to a row of `count` numbers; `added` may be null.
    void (*transform)(const ck_way_in *, const float *row, const float *added, const float *residual, ptrdiff_t count, float *out);
    /// scale · A x: `rank` numbers of `count` inputs.
    void (*project)(const float *a, ptrdiff_t rank, const float *x, ptrdiff_t count, float scale, float *out);
    /// Adds to 16 numbers those of `rank` rows, `stride` apart, each times its weight.
    void (*mix_panel)(const float *rows, ptrdiff_t stride, const float *weights, ptrdiff_t rank, float *out);
    /// For spans of 3 and 4 taps: transforms the rows that a tile of results needs for a span to their points, `stride` numbers apart.
    void (*to_points[2])(const float *const *rows, ptrdiff_t width, float *points, ptrdiff_t stride);
    /// Transforms products at points, `stride` apart, to rows of results.
    void (*from_points[2])(const ck_matrix *, const ck_result *, const float *points, ptrdiff_t stride, const ptrdiff_t *rows, ptrdiff_t count);
    /// Softmax of scores × scale, in place.
    void (*soften)(float *scores, ptrdiff_t length, float scale);
    /// The same, rounded: codes of `depth` weights, with zeros after the length, and a scale and an offset for each group of them. The scores are
    /// overwritten.
    void (*soften_codes)(float *scores, ptrdiff_t length, float scale, ptrdiff_t depth, int8_t *codes, float *scales, int32_t *offsets);
    /// Attention with keys and values in 32 bits, and in 8 bits with a scale for each, for 1 to `CK_TOGETHER` queries that share their first `common`
    /// pages, all of them full: those are read once. A query's results do not depend on the others.
    void (*attend[2])(const ck_attention *queries, int count, ptrdiff_t common);
    /// Stores a key and a value of `head_size` numbers at a position of a page, padded with zeros up to `padded`.
    void (*remember[2])(void *keys, void *values, ptrdiff_t position, const float *key, const float *value, ptrdiff_t head_size, ptrdiff_t padded);
    /// Draws a token for a row, with `ck_sample_memory` bytes of memory aligned to a cache line.
    int32_t (*sample)(const ck_draw *, ptrdiff_t vocabulary, void *memory);
    /// Multiplies and adds in registers, in 32 bits and in 8 bits, and returns the number of operations.
    double (*exercise[2])(ptrdiff_t turns);
} ck_kernels;

/// The kernels of `ck_instructions(index)`, or null.
const ck_kernels *ck_kernels_at(int32_t index);

extern const ck_kernels ck_kernels_portable;
#if defined(__x86_64__)
extern const ck_kernels ck_kernels_avx2, ck_kernels_avx512;
#elif defined(__aarch64__)
extern const ck_kernels ck_kernels_neon;
#endif

#endif
