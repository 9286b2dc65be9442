// NVIDIA's driver, without libtorch: which GPUs exist, whether or not this libtorch can use them.
#ifndef CT_DRIVER_H
#define CT_DRIVER_H
#include "ct_types.h"
CT_BEGIN

/// A driver's library, which remains loaded; null if there is none, or if it finds no GPU.
typedef const struct ct_driver_object* ct_driver;
/// `library`: a file name for dlopen; NVIDIA's is "libcuda.so.1".
ct_driver ct_driver_open(const char* library);

/// The newest CUDA version that the driver supports: 13000 is 13.0.
ct_int ct_driver_cuda_version(ct_driver driver);
ct_int ct_driver_count(ct_driver driver);

typedef struct {
    char name[128];
    ct_int memory_bytes;
    int32_t major, minor;  // compute capability
} ct_gpu;
/// False if the driver does not respond.
bool ct_driver_describe(ct_driver driver, ct_int index, ct_gpu* out);

CT_END
#endif
