// Creating, describing, copying and indexing tensors.
#ifndef CT_TENSOR_H
#define CT_TENSOR_H
#include "ct_types.h"
CT_BEGIN

void ct_tensor_release(ct_tensor x);

ct_int ct_tensor_rank(ct_tensor x);
ct_int ct_tensor_size(ct_tensor x, ct_int axis);  // axis must lie in 0..<rank
ct_int ct_tensor_stride(ct_tensor x, ct_int axis);
ct_int ct_tensor_count(ct_tensor x);
ct_dtype ct_tensor_dtype(ct_tensor x);  // -1 for a type that this interface has no name for
ct_device ct_tensor_device(ct_tensor x);
bool ct_tensor_is_contiguous(ct_tensor x);
/// The first element's address; CPU tensors only. Null for an empty tensor.
void* ct_tensor_data(ct_tensor x);

ct_status ct_zeros(const ct_int* shape, ct_int rank, ct_dtype dtype, ct_device device, CT_OUT);
ct_status ct_ones(const ct_int* shape, ct_int rank, ct_dtype dtype, ct_device device, CT_OUT);
ct_status ct_empty(const ct_int* shape, ct_int rank, ct_dtype dtype, ct_device device, CT_OUT);
ct_status ct_full(const ct_int* shape, ct_int rank, double value, ct_dtype dtype, ct_device device, CT_OUT);
ct_status ct_arange(double from, double to, double step, ct_dtype dtype, ct_device device, CT_OUT);
ct_status ct_linspace(double from, double to, ct_int count, ct_dtype dtype, ct_device device, CT_OUT);
ct_status ct_eye(ct_int size, ct_dtype dtype, ct_device device, CT_OUT);
/// Copies `bytes` of row-major host memory, which must be exactly the size of this shape and dtype.
ct_status ct_from_host(const void* data, size_t bytes, const ct_int* shape, ct_int rank, ct_dtype dtype, ct_device device, CT_OUT);
/// A CPU tensor over memory that it does not own; `release(context)` is called when the last view of it is released.
ct_status ct_alias(void* data, const ct_int* shape, ct_int rank, ct_dtype dtype, void* context, void (*release)(void*), CT_OUT);
/// Copies the tensor, converted to `dtype`, row by row into host memory of exactly that size.
ct_status ct_to_host(ct_tensor x, void* data, size_t bytes, ct_dtype dtype, char** error);

ct_status ct_to_dtype(ct_tensor x, ct_dtype dtype, CT_OUT);
ct_status ct_to_device(ct_tensor x, ct_device device, CT_OUT);
ct_status ct_contiguous(ct_tensor x, CT_OUT);
ct_status ct_clone(ct_tensor x, CT_OUT);
ct_status ct_detach(ct_tensor x, CT_OUT);
/// Copies `source` into the memory of `x`, broadcasting and converting.
ct_status ct_assign(ct_tensor x, ct_tensor source, char** error);
ct_status ct_fill(ct_tensor x, double value, char** error);

/// One step of basic indexing.
typedef struct {
    int32_t kind;  // CT_INDEX_…
    ct_int from, to, step;  // CT_INDEX_AT uses only `from`
} ct_index;
enum { CT_INDEX_ALL, CT_INDEX_AT, CT_INDEX_SLICE, CT_INDEX_NEW_AXIS, CT_INDEX_ELLIPSIS };
/// A view of `x`; negative positions count from the end.
ct_status ct_index_view(ct_tensor x, const ct_index* indices, ct_int count, CT_OUT);

ct_status ct_print(ct_tensor x, char** text, char** error);

CT_END
#endif
