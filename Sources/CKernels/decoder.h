// A decoder, and what a call of it works on.
#ifndef CK_INTERNAL_DECODER_H
#define CK_INTERNAL_DECODER_H

#include "ck_decoder.h"
#include "product.h"

/// A call: new positions of sequences.
typedef struct step {
    const ck_stretch *stretches;
    ptrdiff_t stretch_count, rows;
    const float *inputs;
    const ck_attention_record *records;
    ptrdiff_t record_count;
} step;

/// Stretches whose queries look back together, for their sequences begin with the same pages: one position each, or a single
/// stretch of any length.
typedef struct party {
    ptrdiff_t stretches[CK_TOGETHER];
    int count;
    /// Full pages that all of them have.
    ptrdiff_t common;
} party;

/// What a phase of a step works on.
typedef union stage {
    struct {
        const ck_decoder *decoder;
        ck_way_in way;
        const ptrdiff_t *wanted;
    } norm;
    ck_rounding rounding;
    ck_multiplication multiplication;
    struct {
        const ck_decoder *decoder;
        ptrdiff_t layer;
    } attention;
    struct {
        const ck_decoder *decoder;
        const ck_matrix *matrix;
        const float *input;
        ptrdiff_t product, strips;
    } addition;
} stage;

struct ck_decoder {
    const ck_transformer *transformer;
    ck_team *team;
    ptrdiff_t longest, rows;
    /// Numbers of a head's query, key or value, and with filling.
    ptrdiff_t head, padded_head;
    /// Whether keys and values are stored in 8 bits.
    bool rounded;
    /// Keys or values of a page in one layer and head. A page has, for each layer, the keys of all heads, then their values.
    size_t block_bytes;

    void *work;
    size_t work_bytes;
    float *hidden, *normalised, *query_key_value, *attended, *expanded;
    /// For each thread and query that looks back with others: weights, the query itself and the output.
    float *thread_work;
    ptrdiff_t query_stride;
    ck_operand codes;

    /// What adapters add to each row of a product, so many numbers apart; null until a stretch has some. And for each thread the
    /// projections of a change.
    float *additions;
    ptrdiff_t addition_stride;
    float *projections;
    /// For each row of the step what is added to it, or null; and the rows and stretches of those that have something.
    const float **row_additions;
    ptrdiff_t *adapted_rows;
    const ck_adaptation **adaptations;
    ptrdiff_t adapted_count;

    /// The step that is being computed, the first row of each of its stretches, the rows whose logits are wanted, who look back
    /// together, and its phases.
    step step;
    ptrdiff_t *first_rows, *wanted;
    party *parties;
    ptrdiff_t party_count;
    ck_phase *phases;
    stage *stages;
    ptrdiff_t phase_count;
};

static inline ptrdiff_t rounded_up(ptrdiff_t count, ptrdiff_t unit) { return (count + unit - 1) / unit * unit; }

#endif
