// Sampling: the next token of each of several sequences, drawn from logits in one call.
#ifndef CK_SAMPLE_H
#define CK_SAMPLE_H

#include "ck_team.h"

enum {
    /// Words of the Mersenne Twister's state.
    CK_RANDOM_WORDS = 624,
    /// What `ck_sample` gives for a row that it leaves to libtorch.
    CK_UNDECIDED = -1,
};

/// A Mersenne Twister (MT19937, Matsumoto and Nishimura 1998), as libtorch's generator on the CPU has it.
typedef struct ck_random {
    uint32_t words[CK_RANDOM_WORDS];
    /// How many of the words are drawn already.
    int32_t used;
} ck_random;

/// How a token is drawn. Chatterbox's order is guidance, repetition penalty, temperature, min-p, top-p; Turbo's is
/// temperature, top-k, top-p, repetition penalty.
typedef struct ck_sampling {
    /// Whether the penalty comes after the filters, as in Turbo, or before the temperature.
    bool penalises_last;
    /// How far logits move from those without text past those with it. Used where a row has both.
    float guidance;
    /// Seen tokens' logits are divided by it above 0 and multiplied below; 1 does nothing.
    float repetition_penalty;
    /// 0 takes the likeliest token after guidance and penalty, the first of equals, and draws no random number.
    float temperature;
    /// Tokens below this share of the largest probability are out; 0 keeps all.
    float min_p;
    /// The least likely tokens are out that together do not exceed this probability (1 − top-p); 0 keeps all.
    float tail;
    /// Tokens less likely than the one of this rank are out; 0 keeps all.
    ptrdiff_t top_k;
} ck_sampling;

/// One row: a sequence that wants a token.
typedef struct ck_draw {
    /// `[vocabulary]`, of the row with text and, with guidance, of the one without; else null.
    const float *logits, *unguided;
    const ck_sampling *sampling;
    /// Bit i % 64 of word i / 64: whether the repetition penalty applies to token i.
    const uint64_t *seen;
    /// A token that cannot be drawn, or −1: its logits count as −10000.
    int32_t ruled_out;
    /// Moves on by two words for each token of the vocabulary where one is drawn.
    ck_random *random;
    /// The result: a token, or CK_UNDECIDED, and then `random` is as it was.
    int32_t token;
} ck_draw;

/// Draws a token for each row: the one that libtorch's operations draw in float32 with the same generator. Its
/// `multinomial` takes the largest of p ÷ q, with q from the exponential distribution.
///
/// Guidance, penalty, temperature and top-k are rounded as libtorch rounds them. Exponentials and sums are not, nor do all
/// processors agree on them in libtorch: where a decision is so near that this could change it, or a logit is NaN or infinite,
/// the row is left undecided. That is about one in ten thousand.
///
/// @return false where there is not enough memory.
bool ck_sample(ck_team *team, ck_draw *draws, ptrdiff_t count, ptrdiff_t vocabulary);

#endif
