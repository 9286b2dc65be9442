// How libtorch computes: instruction set, TF32, which attention kernel.
#ifndef CT_BACKEND_H
#define CT_BACKEND_H
#include "ct_types.h"
CT_BEGIN

/// The instruction set of libtorch's own CPU kernels, such as "AVX512". The text remains valid until the process ends.
const char* ct_cpu_capability(void);

/// Whether float32 products and convolutions on a GPU may round their inputs to TF32's 10 bits; for the whole process.
bool ct_tf32_allowed(void);
ct_status ct_allow_tf32(bool allowed, char** error);

/// Which kernel ct_attention uses for these operands.
enum { CT_ATTENTION_MATH = 0, CT_ATTENTION_FLASH = 1, CT_ATTENTION_EFFICIENT = 2, CT_ATTENTION_CUDNN = 3, CT_ATTENTION_OTHER = 4 };
ct_status ct_attention_backend(
    ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor mask /* or null */, bool causal, int32_t* out, char** error);

CT_END
#endif
