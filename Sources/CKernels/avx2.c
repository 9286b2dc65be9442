// AVX2 with FMA: Intel since Haswell, AMD since Zen.
#if defined(__x86_64__)
#include "vectors.h"

#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

/// 16 lanes in two registers.
typedef union {
    i32x16 whole;
    __m256i half[2];
} halves;

/// Sums of two products fit into 16 bits because neither factor is −128.
CK_INLINE i32x16 dot_bytes(i32x16 sum, u32x16 w, int32_t a) {
    halves sums = {sum}, weights = {(i32x16)w};
    const __m256i four = _mm256_set1_epi32(a), magnitudes = _mm256_abs_epi8(four);
    for (int i = 0; i < 2; i++) {
        __m256i pairs = _mm256_maddubs_epi16(magnitudes, _mm256_sign_epi8(weights.half[i], four));
        sums.half[i] = _mm256_add_epi32(sums.half[i], _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
    return sums.whole;
}
CK_INLINE i32x16 dot_nibbles(i32x16 sum, u32x16 w, int32_t a) {
    halves sums = {sum}, weights = {(i32x16)w};
    for (int i = 0; i < 2; i++) {
        __m256i pairs = _mm256_maddubs_epi16(weights.half[i], _mm256_set1_epi32(a));
        sums.half[i] = _mm256_add_epi32(sums.half[i], _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
    return sums.whole;
}

#define CK_SET avx2
#define CK_NAME "avx2"
#define CK_FMA(a, b, c) __builtin_elementwise_fma(a, b, c)
#define CK_SIGNED_BYTES 1
#define CK_FLOAT_ROWS 6
#define CK_FLOAT_PANELS 1
#define CK_CODE_ROWS 2
#define CK_CODE_PANELS 1
#include "kernels.inc"

#pragma clang attribute pop
#endif
