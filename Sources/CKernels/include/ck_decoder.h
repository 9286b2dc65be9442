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

/// What an adapter adds to some outputs of a product: scale · B (A x), in 32 bits (Hu et al. 2021, "LoRA").
typedef struct ck_low_rank {
    /// A, `[rank, inputs]`.
    const float *a;
    /// B as the packed outputs lie, `[rank, panels, 16]`, with zeros where a panel has other outputs.
    const float *b;
    ptrdiff_t rank;
    float scale;
    /// The panels: the first, from one to the next (2 where those of a gate and its partner alternate), and their number.
    ptrdiff_t first_panel, panel_step, panels;
} ck_low_rank;

/// A layer's products.
enum { CK_QUERY_KEY_VALUE, CK_ATTENTION_OUTPUT, CK_EXPAND, CK_CONTRACT, CK_PRODUCTS };
enum {
    /// Rows of A and B.
    CK_MOST_RANK = 512,
};

/// What the adapters of a request add together.
typedef struct ck_adaptation {
    /// In the order of layers and their products: those of product `p` of layer `l` are `changes[starts[l * CK_PRODUCTS + p]]` up to the
    /// next start.
    const ck_low_rank *changes;
    /// `[layers × CK_PRODUCTS + 1]`
    const int32_t *starts;
} ck_adaptation;

/// Workspace for passes over new positions of sequences.
typedef struct ck_decoder ck_decoder;

/// Positions whose keys and values lie together in a page: a vector of keys.
enum { CK_PAGE = 16 };

/// @param team the threads that do its work; it outlives the decoder.
/// @param longest positions of the longest sequence.
/// @param rows most positions that one call takes.
/// @param rounded stores keys and values in 8 bits, with a scale for each head and position.
/// @return null where there is not enough memory.
ck_decoder *ck_decoder_create(const ck_transformer *transformer, ck_team *team, ptrdiff_t longest, ptrdiff_t rows, bool rounded);
void ck_decoder_free(ck_decoder *decoder);

/// Takes memory for stretches with adapters, where it has none yet.
///
/// @return false where there is not enough.
bool ck_decoder_make_adaptable(ck_decoder *decoder);

/// Bytes of a page: keys and values of `CK_PAGE` positions in every layer and head.
size_t ck_decoder_page_bytes(const ck_decoder *decoder);
/// Memory for a page, which holds anything; null where there is not enough.
void *ck_page_take(size_t bytes);
void ck_page_give(void *page, size_t bytes);

/// New positions at the end of a sequence. Different sequences may begin with the same pages; new positions are written
/// into pages that no other sequence has.
typedef struct ck_stretch {
    /// The sequence's pages in order, those of the new positions included.
    void *const *pages;
    /// Positions of the sequence before the new ones, and the new ones.
    ptrdiff_t start, count;
    /// Whether the logits after the last one are wanted.
    bool wanted;
    /// What adapters add for its rows; null for nothing.
    const ck_adaptation *adaptation;
} ck_stretch;

/// What a head of some layer attends to at the last position of a stretch: a copy of its weights for some positions.
typedef struct ck_attention_record {
    int32_t layer, head, stretch;
    ptrdiff_t first, count;
    /// `[count]`; of all positions that the row sees the weights add up to 1.
    float *weights;
} ck_attention_record;

/// Runs over new positions of different sequences. No number of a sequence depends on the others, on how its positions are
/// divided among calls, or on the number of threads.
///
/// @param inputs `[rows, hidden]`: the stretches' new positions, one stretch after the other.
/// @param logits `[stretches that want them, outputs of the head]`.
/// @param records which attention to record, and their number; usually none.
void ck_decoder_run(ck_decoder *decoder, const ck_stretch *stretches, ptrdiff_t stretch_count, const float *inputs, float *logits,
    const ck_attention_record *records, ptrdiff_t record_count);

#endif
