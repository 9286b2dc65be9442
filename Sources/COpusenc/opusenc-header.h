#include <opusenc.h>

// ope_encoder_ctl is variadic, and Swift cannot call variadic C functions.

/// How long the encoder may delay a packet and a page, in samples at 48 kHz.
static inline int copusenc_set_delays(OggOpusEnc *encoder, int decision, int muxing) {
    int status = ope_encoder_ctl(encoder, OPE_SET_DECISION_DELAY(decision));
    return status != OPE_OK ? status : ope_encoder_ctl(encoder, OPE_SET_MUXING_DELAY(muxing));
}

/// Bits per second of all channels together.
static inline int copusenc_set_bitrate(OggOpusEnc *encoder, int bits) { return ope_encoder_ctl(encoder, OPUS_SET_BITRATE(bits)); }
