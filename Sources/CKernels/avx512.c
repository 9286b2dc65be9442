// AVX-512 with VNNI: Intel since Ice Lake, AMD since Zen 4.
#if defined(__x86_64__)
#include "vectors.h"

#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"))), apply_to = function)

CK_INLINE i32x16 dot_bytes(i32x16 sum, u32x16 w, int32_t a) { return (i32x16)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)w, _mm512_set1_epi32(a)); }
#define dot_nibbles dot_bytes

#define CK_MASKED
CK_INLINE __mmask16 first(ptrdiff_t count) { return (__mmask16)((1u << count) - 1); }
CK_INLINE f32x16 load_some(const float *p, ptrdiff_t count) { return (f32x16)_mm512_maskz_loadu_ps(first(count), p); }
CK_INLINE void store_some(float *p, f32x16 v, ptrdiff_t count) { _mm512_mask_storeu_ps(p, first(count), (__m512)v); }

#define CK_SET avx512
#define CK_NAME "avx512"
#define CK_FMA(a, b, c) __builtin_elementwise_fma(a, b, c)
#define CK_SIGNED_BYTES 0
#define CK_FLOAT_ROWS 12
#define CK_FLOAT_PANELS 2
#define CK_CODE_ROWS 8
#define CK_CODE_PANELS 2
#define CK_TOGETHER_PAGES 4
#include "kernels.inc"

#pragma clang attribute pop
#endif
