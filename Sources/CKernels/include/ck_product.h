// Products of rows of activations with packed matrices, and what goes with them: layers of a network over time, whose
// frames are rows.
#ifndef CK_PRODUCT_H
#define CK_PRODUCT_H

#include "ck_matrix.h"

/// What becomes of a number.
typedef int32_t ck_activation;
enum {
    CK_IDENTITY = 0,
    /// silu(a) × b for pairs of outputs that a matrix with `gated` interleaves; half as many outputs. On the way out.
    CK_GATED_SILU = 1,
    /// The Gaussian error linear unit. On the way out.
    CK_GELU = 2,
    /// Its approximation through tanh, as GPT-2 has it. On the way out.
    CK_GELU_TANH = 3,
    /// On the way out.
    CK_SILU = 4,
    /// On the way out.
    CK_ELU = 5,
    /// On the way in.
    CK_MISH = 6,
    /// On the way in, with a `slope` below 0.
    CK_LEAKY_RELU = 7,
    /// x + sin²(f x) / f, with the `frequency` f of each input. On the way in.
    CK_SNAKE = 8,
    /// On the way out.
    CK_RELU = 9,
};

/// What happens to a row of activations on its way in: normalisation, activation, addition, in this order.
typedef struct ck_way_in {
    /// `[inputs]`, or null for none; without a bias by the root mean square alone.
    const float *norm_weight, *norm_bias;
    float norm_epsilon;
    /// Whether mean and deviation are in weight and bias already: x × weight + bias.
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
    /// Row i of a sequence's results sees its rows i × step − lead + tap × dilation; those outside of it are zero. For weights
    /// in Winograd's form the step is 1.
    ptrdiff_t result_length, step, lead, dilation;
    ck_activation activation;
    /// `[sequences, result_length, outputs]`, or null; may be `output`.
    const float *residual;
    ptrdiff_t residual_stride;
    /// Where it is not 0, this share of the result is added to what `output` holds.
    float share;
    float *output;
    ptrdiff_t output_stride;
} ck_product;

/// Computes a product. No number depends on how many threads, rows or sequences there are.
///
/// @return false where there is not enough memory for the activations.
bool ck_product_run(ck_team *team, const ck_product *product);

/// Only the way in, and then an addition: out = in(x) + residual.
typedef struct ck_rows_in {
    const float *input;
    ptrdiff_t input_stride, sequences, length, width;
    ck_way_in in;
    /// Null, or rows that are added; may be `output`.
    const float *residual;
    ptrdiff_t residual_stride;
    float *output;
    ptrdiff_t output_stride;
} ck_rows_in;
void ck_rows_in_run(ck_team *team, const ck_rows_in *rows);

/// Keys and values of rows, packed, for queries that come later. Immutable; any number of threads may use it at once.
typedef struct ck_kept_rows ck_kept_rows;
void ck_kept_rows_free(ck_kept_rows *kept);
size_t ck_kept_rows_bytes(const ck_kept_rows *kept);
/// Rows of each sequence.
ptrdiff_t ck_kept_rows_length(const ck_kept_rows *kept);

enum {
    /// Stretches of rows that queries see: their own, and those that stand before it.
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
    /// How keys, distances and values are stored in between: CK_FLOAT32, or CK_INT8 for products of 8 bits.
    ck_format key_format, value_format;
    /// u and w, `[heads × head_size]`; used with distances only.
    const float *content_bias, *distance_bias;
    /// d, `[2 length − 1, heads × head_size]`, rows `distance_stride` apart: query i meets key j with row
    /// length − 1 − i + j. Null for none.
    const float *distances;
    ptrdiff_t distance_stride;
    /// Up to `CK_MOST_STRETCHES` − 1 stretches of rows, in order, that every query sees besides its own; null for none. With
    /// distances, those of each: `[length + its length − 1, heads × head_size]`, query i meets its key j with row
    /// length − 1 − i + j.
    const ck_kept_rows *const *before;
    const float *const *before_distances;
    ptrdiff_t before_count;
    /// Where not null, the keys and values are kept: it becomes theirs.
    ck_kept_rows **kept;
    float *output;
    ptrdiff_t output_stride;
} ck_self_attention;
/// Whether kept rows have the sequences, heads and formats of an attention.
bool ck_kept_rows_fit(const ck_kept_rows *kept, const ck_self_attention *attention);
/// @return false where there is not enough memory.
bool ck_self_attention_run(ck_team *team, const ck_self_attention *attention);

/// Gives back the memory that products work in; it is taken again when needed.
void ck_team_release_memory(ck_team *team);

#endif
