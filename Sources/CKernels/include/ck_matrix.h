// Weights, packed for products with a few or many rows of activations.
#ifndef CK_MATRIX_H
#define CK_MATRIX_H

#include "ck_team.h"

/// How a weight is stored.
typedef int32_t ck_format;
enum {
    /// 32 bits.
    CK_FLOAT32 = 0,
    /// 8 bits and a scale for 64 weights of an output. Activations are rounded to 8 bits as well.
    CK_INT8 = 1,
    /// 4 bits and a scale for 32 weights of an output. Activations are rounded to 8 bits.
    CK_INT4 = 2,
};

/// Some outputs of a matrix: the weight of output `i` for input `k` of tap `t` is
/// `weights[i * output_stride + t * tap_stride + k * input_stride]`.
typedef struct ck_source {
    const float *weights;
    ptrdiff_t output_stride, tap_stride, input_stride;
    ptrdiff_t outputs;
    /// `[outputs]`, or null.
    const float *bias;
} ck_source;

/// A packed matrix. Immutable; any number of threads can use it at the same time.
typedef struct ck_matrix ck_matrix;

/// Packs a matrix.
///
/// @param inputs the size of a row of activations.
/// @param taps the number of rows of activations on which one row of results depends: 1, or the width of a convolution.
/// @param sources the outputs, one source after the other.
/// @param gated interleaves the outputs of two equal sources for `CK_GATED_SILU`, the gate first.
/// @param winograd stores float32 weights for Winograd's minimal filtering (Lavin and Gray 2016): half the multiplications for consecutive rows of
/// results, and rounding errors about twice as large.
/// @return null if there is not enough memory.
ck_matrix *ck_matrix_pack(
    ck_team *team, ck_format format, ptrdiff_t inputs, ptrdiff_t taps, const ck_source *sources, int32_t source_count, bool gated, bool winograd);
void ck_matrix_free(ck_matrix *matrix);

ptrdiff_t ck_matrix_inputs(const ck_matrix *matrix);
ptrdiff_t ck_matrix_taps(const ck_matrix *matrix);
ptrdiff_t ck_matrix_outputs(const ck_matrix *matrix);
/// Whether panels of 16 outputs of a gate and its partner alternate.
bool ck_matrix_is_gated(const ck_matrix *matrix);
/// The number of rows of results that are computed together, from a multiple of this number on: one, or a tile of Winograd's algorithm.
ptrdiff_t ck_matrix_tile(const ck_matrix *matrix);
/// The number of rows of activations on which they depend together, including those that contribute only rounding errors.
ptrdiff_t ck_matrix_tile_taps(const ck_matrix *matrix);
/// The number of bytes that a product reads of it.
size_t ck_matrix_bytes(const ck_matrix *matrix);
/// The weights after packing, `[outputs, taps, inputs]`, with the outputs in the order of the sources.
void ck_matrix_unpack(const ck_matrix *matrix, float *weights);

#endif
