// Devices and their memory.
#ifndef CT_MEMORY_H
#define CT_MEMORY_H
#include "ct_types.h"
CT_BEGIN

/// CUDA cards that can be used; 0 where libtorch has no CUDA or the machine no card.
ct_int ct_cuda_count(void);

typedef struct {
    ct_int allocated_bytes, peak_allocated_bytes;  // held by tensors
    ct_int reserved_bytes, peak_reserved_bytes;  // held by the allocator
} ct_memory_statistics;
ct_status ct_device_memory(ct_device device, ct_memory_statistics* out, char** error);
ct_status ct_device_reset_peak(ct_device device, char** error);
/// Gives memory that no tensor uses back to the operating system or the driver.
ct_status ct_release_cache(ct_device device, char** error);
/// Lets the C library's allocator have at most so many arenas, from which threads are served; each keeps some freed memory.
void ct_limit_arenas(ct_int count);
/// One arena, nothing mapped apart, nothing given back before it is asked for (ct_release_cache), and tensors in blocks of few sizes. Before
/// the first tensor is made.
void ct_keep_freed_memory(void);
/// Copies the memory that `x` and its views share to the host, `out` as bytes, and frees it; until it is brought back
/// nothing may look at them.
ct_status ct_storage_leave(ct_tensor x, CT_OUT);
/// Allocates that memory again and fills it with `bytes`.
ct_status ct_storage_return(ct_tensor x, ct_tensor bytes, char** error);
/// Frees that memory, of which a copy is kept elsewhere.
ct_status ct_storage_drop(ct_tensor x, char** error);
/// Where that memory's bookkeeping lies: the same for all tensors that share it.
const void* ct_storage_identity(ct_tensor x);
/// How many tensors share that memory, `x` included.
ct_int ct_storage_use_count(ct_tensor x);
ct_status ct_synchronize(ct_device device, char** error);

CT_END
#endif
