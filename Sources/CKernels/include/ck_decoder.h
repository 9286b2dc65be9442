// A transformer with a cache of keys and values: everything between embedded inputs and logits in one call.
#ifndef CK_DECODER_H
#define CK_DECODER_H

#include "ck_product.h"

/// One layer. A bias that is null is not added.
typedef struct ck_decoder_layer {
    /// `[hidden]`; with a bias the normalisation is LayerNorm, without it RMSNorm.
    const float *attention_norm, *attention_norm_bias;
    /// Hidden to queries, keys and values, and back.
    const ck_matrix *query_key_value, *attention_output;
    const float *feed_forward_norm, *feed_forward_norm_bias;
    /// Hidden to inner, with `activation`, and back.
    const ck_matrix *expand, *contract;
} ck_decoder_layer;

/// A transformer's weights, which outlive its decoders.
typedef struct ck_transformer {
    const ck_decoder_layer *layers;
    ptrdiff_t layer_count, hidden, heads, inner;
    float norm_epsilon;
    ck_activation activation;
    const float *final_norm, *final_norm_bias;
    /// Hidden to logits.
    const ck_matrix *head;
    /// Cosines and sines `[positions, head size / 2]` that queries and keys are turned by; null turns none.
    const float *cosine, *sine;
} ck_transformer;

/// Keys and values of sequences in slots, and room for the work on `rows` positions at once.
typedef struct ck_decoder ck_decoder;

/// @param team the threads that do its work; it outlives the decoder.
/// @param capacity longest sequence of a slot.
/// @param rows most positions that one call takes.
/// @param half stores keys and values in 16 bits.
/// @return null where there is not enough memory. Pages of the cache are taken as sequences grow.
ck_decoder *ck_decoder_create(
    const ck_transformer *transformer, ck_team *team, ptrdiff_t slots, ptrdiff_t capacity, ptrdiff_t rows, bool half);
void ck_decoder_free(ck_decoder *decoder);

/// What a head of some layer attends to at some row: a copy of its weights for a stretch of positions.
typedef struct ck_attention_record {
    int32_t layer, head, row;
    ptrdiff_t first, count;
    /// `[count]`; of all positions that the row sees the weights add up to 1.
    float *weights;
} ck_attention_record;

/// Runs over new positions. Rows of one slot stand together, their positions one after the other.
///
/// @param slots, positions for each row: its slot, and how many positions of the slot come before it.
/// @param inputs `[rows, hidden]`.
/// @param wanted rows whose logits are wanted, in order, and their number.
/// @param logits `[wanted, outputs of the head]`.
/// @param records which attention to tell, and their number; usually none.
void ck_decoder_run(
    ck_decoder *decoder, ptrdiff_t rows, const int32_t *slots, const int32_t *positions, const float *inputs,
    const int32_t *wanted, ptrdiff_t wanted_count, float *logits, const ck_attention_record *records,
    ptrdiff_t record_count);

#endif
