// Plain C, with which the other instruction sets are compared in tests.
#include "vectors.h"

CK_INLINE i32x16 dot_bytes(i32x16 sum, u32x16 w, int32_t a) {
    for (int lane = 0; lane < 16; lane++) {
        for (int shift = 0; shift < 32; shift += 8) sum[lane] += (int32_t)(w[lane] >> shift & 255) * (int8_t)(a >> shift & 255);
    }
    return sum;
}
#define dot_nibbles dot_bytes

#define CK_SET portable
#define CK_NAME "portable"
// On a processor without FMA the library's function would be slow.
#define CK_FMA(a, b, c) ((a) * (b) + (c))
#define CK_SIGNED_BYTES 0
#define CK_FLOAT_ROWS 2
#define CK_FLOAT_PANELS 1
#define CK_CODE_ROWS 2
#define CK_CODE_PANELS 1
#include "kernels.inc"
