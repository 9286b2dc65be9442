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

/// What happens to a product on its way out, after the bias and before the residual.
typedef int32_t ck_activation;
enum {
    CK_IDENTITY = 0,
    /// silu(a) × b for pairs of outputs that a matrix with `gated` interleaves; half as many outputs.
    CK_GATED_SILU = 1,
    /// The Gaussian error linear unit.
    CK_GELU = 2,
    /// Its approximation through tanh, as GPT-2 has it.
    CK_GELU_TANH = 3,
};

/// Some outputs of a matrix: the weight of output `i` for input `k` is `weights[i * output_stride + k * input_stride]`.
typedef struct ck_source {
    const float *weights;
    ptrdiff_t output_stride, input_stride;
    ptrdiff_t outputs;
    /// `[outputs]`, or null.
    const float *bias;
} ck_source;

/// A packed matrix. Immutable; any number of threads may use it at once.
typedef struct ck_matrix ck_matrix;

/// Packs a matrix.
///
/// @param sources its outputs, one source after the other.
/// @param gated interleaves the outputs of two equal sources for `CK_GATED_SILU`, the gate first.
/// @return null where there is not enough memory.
ck_matrix *ck_matrix_pack(ck_team *team, ck_format format, ptrdiff_t inputs, const ck_source *sources, int32_t source_count, bool gated);
void ck_matrix_free(ck_matrix *matrix);

ptrdiff_t ck_matrix_inputs(const ck_matrix *matrix);
ptrdiff_t ck_matrix_outputs(const ck_matrix *matrix);
/// What a product reads of it, in bytes.
size_t ck_matrix_bytes(const ck_matrix *matrix);
/// The weights as they are after packing, `[outputs, inputs]`, outputs in the order of the sources.
void ck_matrix_unpack(const ck_matrix *matrix, float *weights);

/// out = activation(x Wᵀ + bias) + residual
typedef struct ck_linear {
    const ck_matrix *matrix;
    /// `[rows, inputs]`, rows `input_stride` apart.
    const float *input;
    ptrdiff_t input_stride, rows;
    ck_activation activation;
    /// `[rows, outputs]`, or null; may be `output`.
    const float *residual;
    ptrdiff_t residual_stride;
    float *output;
    ptrdiff_t output_stride;
} ck_linear;

/// Computes a product. The result does not depend on the number of threads or of rows.
///
/// @return false where there is not enough memory for the rounded activations.
bool ck_linear_run(ck_team *team, const ck_linear *linear);

#endif
