// A transformer with a cache of keys and values: everything between embedded inputs and logits in one call.
#ifndef CK_DECODER_H
#define CK_DECODER_H

#include "ck_product.h"

/// One layer. A null bias is not added.
typedef struct ck_decoder_layer {
    /// `[hidden]`; the normalisation is LayerNorm if it has a bias, otherwise RMSNorm.
    const float *attention_norm, *attention_norm_bias;
    /// Hidden to queries, keys and values, and attention back to hidden.
    const ck_matrix *query_key_value, *attention_output;
    const float *feed_forward_norm, *feed_forward_norm_bias;
    /// Hidden to inner, with `activation`, and back.
    const ck_matrix *expand, *contract;
} ck_decoder_layer;

/// A transformer's weights, which must exist longer than its decoders.
typedef struct ck_transformer {
    const ck_decoder_layer *layers;
    ptrdiff_t layer_count, hidden, heads, inner;
    float norm_epsilon;
    ck_activation activation;
    const float *final_norm, *final_norm_bias;
    /// Hidden to logits.
    const ck_matrix *head;
    /// Cosines and sines `[positions, head size / 2]` by which queries and keys are rotated; null for no rotation.
    const float *cosine, *sine;
} ck_transformer;

/// An adapter of some outputs of a product: adds scale · B (A x), in 32 bits (Hu et al. 2021, "LoRA").
typedef struct ck_low_rank {
    /// A, `[rank, inputs]`.
    const float *a;
    /// B in the layout of the packed outputs, `[rank, panels, 16]`, with zeros where a panel has other outputs.
    const float *b;
    ptrdiff_t rank;
    float scale;
    /// The panels: the first, the step from one to the next (2 if those of a gate and its partner alternate), and their number.
    ptrdiff_t first_panel, panel_step, panels;
} ck_low_rank;

/// A layer's products.
enum { CK_QUERY_KEY_VALUE, CK_ATTENTION_OUTPUT, CK_EXPAND, CK_CONTRACT, CK_PRODUCTS };
enum {
    /// The largest number of rows of A and B.
    CK_MOST_RANK = 512,
};

/// The sum of a request's adapters.
typedef struct ck_adaptation {
    /// In the order of layers and their products: the adapters of product `p` of layer `l` are `changes[starts[l * CK_PRODUCTS + p]]` up to the next
    /// start.
    const ck_low_rank *changes;
    /// `[layers × CK_PRODUCTS + 1]`
    const int32_t *starts;
} ck_adaptation;

/// The working memory for passes over new positions of sequences.
typedef struct ck_decoder ck_decoder;

/// The number of positions whose keys and values are stored together in a page: a vector of keys.
enum { CK_PAGE = 16 };

/// @param team its threads; they must exist longer than the decoder.
/// @param longest the number of positions of the longest sequence.
/// @param rows the largest number of positions in one call.
/// @param rounded stores keys and values in 8 bits, with a scale for each head and position.
/// @return null if there is not enough memory.
ck_decoder *ck_decoder_create(const ck_transformer *transformer, ck_team *team, ptrdiff_t longest, ptrdiff_t rows, bool rounded);
void ck_decoder_free(ck_decoder *decoder);

/// Allocates memory for stretches with adapters, if this has not been done yet.
///
/// @return false if there is not enough memory.
bool ck_decoder_make_adaptable(ck_decoder *decoder);

/// The size of a page in bytes: keys and values of `CK_PAGE` positions in every layer and head.
size_t ck_decoder_page_bytes(const ck_decoder *decoder);
/// Allocates memory for a page, with undefined contents; null if there is not enough.
void *ck_page_take(size_t bytes);
void ck_page_give(void *page, size_t bytes);

/// New positions at the end of a sequence. Different sequences may begin with the same pages; new positions are written to pages that belong to one
/// sequence only.
typedef struct ck_stretch {
    /// The sequence's pages in order, including those of the new positions.
    void *const *pages;
    /// The number of positions of the sequence before the new ones, and of the new ones.
    ptrdiff_t start, count;
    /// Whether the logits after the last one are wanted.
    bool wanted;
    /// The adapters for its rows; null for none.
    const ck_adaptation *adaptation;
} ck_stretch;

/// The attention of a head of some layer at the last position of a stretch: a copy of its weights for some positions.
typedef struct ck_attention_record {
    int32_t layer, head, stretch;
    ptrdiff_t first, count;
    /// `[count]`; the weights of all positions to which the row attends add up to 1.
    float *weights;
} ck_attention_record;

/// Computes new positions of different sequences. The results of a sequence depend neither on the others, nor on how its positions are divided among
/// calls, nor on the number of threads.
///
/// @param inputs `[rows, hidden]`: the stretches' new positions, one stretch after the other.
/// @param logits `[stretches with wanted, outputs of the head]`.
/// @param records the attention to record, and the number of records; usually none.
void ck_decoder_run(ck_decoder *decoder, const ck_stretch *stretches, ptrdiff_t stretch_count, const float *inputs, float *logits,
    const ck_attention_record *records, ptrdiff_t record_count);

#endif
