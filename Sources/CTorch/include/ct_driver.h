// NVIDIA's driver, asked without libtorch: what GPUs there are, whether or not this libtorch can use them.
#ifndef CT_DRIVER_H
#define CT_DRIVER_H
#include "ct_types.h"
CT_BEGIN

/// A driver's library, loaded for the life of the process; null where there is none, or where it finds no GPU.
typedef const struct ct_driver_object* ct_driver;
/// `library`: a file name as dlopen takes it; NVIDIA's is "libcuda.so.1".
ct_driver ct_driver_open(const char* library);

/// The newest CUDA that the driver runs: 13000 is 13.0.
ct_int ct_driver_cuda_version(ct_driver driver);
ct_int ct_driver_count(ct_driver driver);

typedef struct {
    char name[128];
    ct_int memory_bytes;
    int32_t major, minor;  // compute capability
} ct_gpu;
/// False where the driver does not answer.
bool ct_driver_describe(ct_driver driver, ct_int index, ct_gpu* out);

CT_END
#endif
