// NEON with dot products: nearly every arm64 processor since 2018 (Armv8.2).
#if defined(__aarch64__)
#include "vectors.h"

#include <arm_neon.h>

#pragma clang attribute push(__attribute__((target("dotprod,fullfp16"))), apply_to = function)

/// 16 lanes in four registers.
typedef union {
    i32x16 whole;
    int32x4_t quarter[4];
} quarters;

CK_INLINE i32x16 dot_bytes(i32x16 sum, u32x16 w, int32_t a) {
    quarters sums = {sum}, weights = {(i32x16)w};
    const int8x16_t four = vreinterpretq_s8_s32(vdupq_n_s32(a));
    for (int i = 0; i < 4; i++) sums.quarter[i] = vdotq_s32(sums.quarter[i], vreinterpretq_s8_s32(weights.quarter[i]), four);
    return sums.whole;
}
#define dot_nibbles dot_bytes

#define CK_SET neon
#define CK_NAME "neon"
#define CK_FMA(a, b, c) __builtin_elementwise_fma(a, b, c)
#define CK_SIGNED_BYTES 1
#define CK_FLOAT_ROWS 5
#define CK_FLOAT_PANELS 1
#define CK_CODE_ROWS 4
#define CK_CODE_PANELS 1
#include "kernels.inc"

#pragma clang attribute pop
#endif
