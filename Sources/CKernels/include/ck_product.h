// Products of rows of activations with packed matrices, with the operations before and after them: layers of a network over time, with frames as
// rows.
#ifndef CK_PRODUCT_H
#define CK_PRODUCT_H

#include "ck_matrix.h"

/// A function of a number.
typedef int32_t ck_activation;
enum {
    CK_IDENTITY = 0,
    /// silu(a) × b for pairs of outputs that a matrix with `gated` interleaves; half as many outputs. For outputs.
    CK_GATED_SILU = 1,
    /// The Gaussian error linear unit. For outputs.
    CK_GELU = 2,
    /// Its approximation with tanh, as in GPT-2. For outputs.
    CK_GELU_TANH = 3,
    /// For outputs.
    CK_SILU = 4,
    /// For outputs.
    CK_ELU = 5,
    /// For inputs.
    CK_MISH = 6,
    /// For inputs; `slope` is the factor of negative numbers.
    CK_LEAKY_RELU = 7,
    /// x + sin²(f x) / f, with the `frequency` f of each input. For inputs.
    CK_SNAKE = 8,
    /// For outputs.
    CK_RELU = 9,
};

/// The operations on a row of input activations: normalisation, activation, addition, in this order.
typedef struct ck_way_in {
    /// `[inputs]`, or null for none; without a bias the normalisation divides by the root mean square only.
    const float *norm_weight, *norm_bias;
    float norm_epsilon;
    /// Whether mean and deviation are already included in weight and bias: x × weight + bias.
    bool norm_is_affine;
    ck_activation activation;
    float slope;
    const float *frequency;
    /// `[sequences, inputs]`, or null.
    const float *added;
} ck_way_in;

/// out = activation(in(x) * W + bias) + residual, for sequences of rows.
typedef struct ck_product {
    const ck_matrix *matrix;
    /// `[sequences, length, inputs]`, rows `input_stride` apart.
    const float *input;
    ptrdiff_t input_stride, sequences, length;
    ck_way_in in;
    /// Row i of a sequence's results depends on its rows i × step − lead + tap × dilation; rows outside of it are zero. For weights in Winograd's
    /// form the step is 1.
    ptrdiff_t result_length, step, lead, dilation;
    ck_activation activation;
    /// `[sequences, result_length, outputs]`, or null; may be `output`.
    const float *residual;
    ptrdiff_t residual_stride;
    /// If it is not 0, the result times this number is added to the contents of `output`.
    float share;
    float *output;
    ptrdiff_t output_stride;
} ck_product;

/// Computes a product. The results do not depend on the numbers of threads, rows and sequences.
///
/// @return false if there is not enough memory for the activations.
bool ck_product_run(ck_team *team, const ck_product *product);

/// Only the operations on inputs, and an addition: out = in(x) + residual.
typedef struct ck_rows_in {
    const float *input;
    ptrdiff_t input_stride, sequences, length, width;
    ck_way_in in;
    /// Rows that are added, or null; may be `output`.
    const float *residual;
    ptrdiff_t residual_stride;
    float *output;
    ptrdiff_t output_stride;
} ck_rows_in;
void ck_rows_in_run(ck_team *team, const ck_rows_in *rows);

/// Packed keys and values of rows, for later queries. Immutable; any number of threads can use it at the same time.
typedef struct ck_kept_rows ck_kept_rows;
void ck_kept_rows_free(ck_kept_rows *kept);
size_t ck_kept_rows_bytes(const ck_kept_rows *kept);
/// The number of rows of each sequence.
ptrdiff_t ck_kept_rows_length(const ck_kept_rows *kept);

enum {
    /// The largest number of stretches of rows to which queries attend: their own, and those before it.
    CK_MOST_STRETCHES = 8,
};

/// softmax(q kᵀ × scale) v within each sequence and head; with relative positions (Dai et al. 2019),
/// softmax(((q + u) kᵀ + (q + w) dᵀ) × scale) v, where d depends on the distance of query and key.
typedef struct ck_self_attention {
    /// `[sequences, length, heads × head_size]` each, rows `stride` apart.
    const float *query, *key, *value;
    ptrdiff_t stride;
    ptrdiff_t sequences, length, heads, head_size;
    float scale;
    /// The format in which keys, distances and values are packed: CK_FLOAT32, or CK_INT8 for products of 8 bits.
    ck_format key_format, value_format;
    /// u and w, `[heads × head_size]`; used only with distances.
    const float *content_bias, *distance_bias;
    /// d, `[2 length − 1, heads × head_size]`, rows `distance_stride` apart: for query i and key j row length − 1 − i + j is used. Null for none.
    const float *distances;
    ptrdiff_t distance_stride;
    /// Up to `CK_MOST_STRETCHES` − 1 stretches of rows, in order, to which every query attends besides its own; null for none. With distances, those
    /// of each: `[length + its length − 1, heads × head_size]`; for query i and its key j row length − 1 − i + j is used.
    const ck_kept_rows *const *before;
    const float *const *before_distances;
    ptrdiff_t before_count;
    /// If this is not null, the keys and values are kept, and it is set to them.
    ck_kept_rows **kept;
    float *output;
    ptrdiff_t output_stride;
} ck_self_attention;
/// Whether kept rows match the sequences, heads and formats of an attention.
bool ck_kept_rows_fit(const ck_kept_rows *kept, const ck_self_attention *attention);
/// @return false if there is not enough memory.
bool ck_self_attention_run(ck_team *team, const ck_self_attention *attention);

/// Frees the memory in which products work; it is allocated again when it is needed.
void ck_team_release_memory(ck_team *team);

#endif
