// Devices and their memory.
#ifndef CT_MEMORY_H
#define CT_MEMORY_H
#include "ct_types.h"
CT_BEGIN

/// The number of CUDA GPUs that can be used; 0 if libtorch has no CUDA or the machine has no GPU.
ct_int ct_cuda_count(void);

typedef struct {
    ct_int allocated_bytes, peak_allocated_bytes;  // held by tensors
    ct_int reserved_bytes, peak_reserved_bytes;  // held by the allocator
} ct_memory_statistics;
ct_status ct_device_memory(ct_device device, ct_memory_statistics* out, char** error);
ct_status ct_device_reset_peak(ct_device device, char** error);
/// Returns memory that no tensor uses to the operating system or the driver.
ct_status ct_release_cache(ct_device device, char** error);
/// Limits the number of arenas of the C library's allocator, from which it serves threads; each keeps some freed memory.
void ct_limit_arenas(ct_int count);
/// Sets the C library's allocator to use one arena, to map nothing separately and to return nothing before it is requested (ct_release_cache), and
/// allocates tensors in blocks of few sizes. To be called before the first tensor is created.
void ct_keep_freed_memory(void);
/// Copies the memory that `x` and its views share to the host, into `out` as bytes, and frees it; until it is restored nothing may access it.
ct_status ct_storage_leave(ct_tensor x, CT_OUT);
/// Allocates that memory again and fills it with `bytes`.
ct_status ct_storage_return(ct_tensor x, ct_tensor bytes, char** error);
/// Frees that memory, of which there is a copy elsewhere.
ct_status ct_storage_drop(ct_tensor x, char** error);
/// The address of that memory's bookkeeping: the same for all tensors that share it.
const void* ct_storage_identity(ct_tensor x);
/// The number of tensors that share that memory, including `x`.
ct_int ct_storage_use_count(ct_tensor x);
ct_status ct_synchronize(ct_device device, char** error);

CT_END
#endif
