// A decoder, and the state of a call.
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

/// Stretches whose attention is computed together because their sequences begin with the same pages: one position each, or a single stretch of any
/// length.
typedef struct party {
    ptrdiff_t stretches[CK_TOGETHER];
    int count;
    /// The number of full pages that all of them share.
    ptrdiff_t common;
} party;

/// The operands of a phase of a step.
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
    /// The size of a head's query, key or value, without and with padding.
    ptrdiff_t head, padded_head;
    /// Whether keys and values are stored in 8 bits.
    bool rounded;
    /// The size of the keys or values of a page in one layer and head. A page contains, for each layer, the keys of all heads, then their values.
    size_t block_bytes;

    void *work;
    size_t work_bytes;
    float *hidden, *normalised, *query_key_value, *attended, *expanded;
    /// For each thread and query of a party: weights, the query itself and the output.
    float *thread_work;
    ptrdiff_t query_stride;
    ck_operand codes;

    /// The values that adapters add to each row of a product, and their stride; null until a stretch has adapters. For each thread, the projections
    /// of an adapter.
    float *additions;
    ptrdiff_t addition_stride;
    float *projections;
    /// For each row of the step the values added to it, or null; and the rows and stretches with adapters.
    const float **row_additions;
    ptrdiff_t *adapted_rows;
    const ck_adaptation **adaptations;
    ptrdiff_t adapted_count;

    /// The current step, the first row of each of its stretches, the rows whose logits are wanted, the parties, and the phases.
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
