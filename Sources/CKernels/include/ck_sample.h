// Sampling: the next token of each of several sequences, drawn from logits in one call.
#ifndef CK_SAMPLE_H
#define CK_SAMPLE_H

#include "ck_team.h"

enum {
    /// The number of words in the Mersenne Twister's state.
    CK_RANDOM_WORDS = 624,
    /// The result of `ck_sample` for a row that libtorch has to draw.
    CK_UNDECIDED = -1,
};

/// A Mersenne Twister (MT19937, Matsumoto and Nishimura 1998) with the state of libtorch's CPU generator.
typedef struct ck_random {
    uint32_t words[CK_RANDOM_WORDS];
    /// The number of words that have been used.
    int32_t used;
} ck_random;

/// Sampling options. Chatterbox's order is guidance, repetition penalty, temperature, min-p, top-p; Turbo's is temperature, top-k, top-p, repetition
/// penalty.
typedef struct ck_sampling {
    /// Whether the penalty is applied after the filters, as in Turbo, or before the temperature.
    bool penalises_last;
    /// How far logits are extrapolated from those without text past those with it. Used if a row has both.
    float guidance;
    /// Positive logits of seen tokens are divided by it, negative ones multiplied; 1 has no effect.
    float repetition_penalty;
    /// With 0 the most likely token after guidance and penalty is chosen, the first of equals, and no random number is drawn.
    float temperature;
    /// Tokens below this share of the largest probability are excluded; 0 keeps all.
    float min_p;
    /// The least likely tokens that together do not exceed this probability (1 − top-p) are excluded; 0 keeps all.
    float tail;
    /// Tokens less likely than the one of this rank are excluded; 0 keeps all.
    ptrdiff_t top_k;
} ck_sampling;

/// One row: a sequence that needs a token.
typedef struct ck_draw {
    /// `[vocabulary]`: of the row with text and, with guidance, of the row without; otherwise null.
    const float *logits, *unguided;
    const ck_sampling *sampling;
    /// Bit i % 64 of word i / 64: whether the repetition penalty applies to token i.
    const uint64_t *seen;
    /// A token that cannot be drawn, or −1: its logits count as −10000.
    int32_t ruled_out;
    /// Advanced by two words for each token of the vocabulary if a token is drawn.
    ck_random *random;
    /// The result: a token, or CK_UNDECIDED, in which case `random` is unchanged.
    int32_t token;
} ck_draw;

/// Draws a token for each row, the same that libtorch's operations draw in float32 with the same generator. libtorch's `multinomial` chooses the
/// largest p ÷ q, where q is exponentially distributed.
///
/// Guidance, penalty, temperature and top-k are rounded as in libtorch. Exponentials and sums are rounded differently, and libtorch's own results
/// depend on the processor: if this could change the choice, or a logit is NaN or infinite, the row is left undecided. That happens for about one row
/// in ten thousand.
///
/// @return false if there is not enough memory.
bool ck_sample(ck_team *team, ck_draw *draws, ptrdiff_t count, ptrdiff_t vocabulary);

#endif
