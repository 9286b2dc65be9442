// Types and conventions shared by every header.
//
// Every function that can fail returns a `ct_status`; when that is not CT_OK, `*error` holds a
// message that the caller frees with `ct_free`. Results come through the `out` parameters and are
// owned by the caller (`ct_tensor_release`). Arguments are borrowed. A null tensor argument means
// "none" where a comment says that it may be left out.
#ifndef CT_TYPES_H
#define CT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define CT_BEGIN extern "C" {
#define CT_END }
#else
#define CT_BEGIN
#define CT_END
#endif

/// A tensor: the address of libtorch's own implementation object, which counts its references.
typedef struct ct_tensor_object* ct_tensor;
/// A source of random numbers.
typedef struct ct_generator_object* ct_generator;
/// Sizes, indices and axes; Swift's `Int`.
typedef ptrdiff_t ct_int;

/// The result of a call.
typedef int32_t ct_status;
enum { CT_OK = 0, CT_FAILED = 1, CT_OUT_OF_MEMORY = 2, CT_UNAVAILABLE = 3 };

/// Element types.
typedef int32_t ct_dtype;
enum {
    CT_FLOAT32 = 0,
    CT_FLOAT64 = 1,
    CT_FLOAT16 = 2,
    CT_BFLOAT16 = 3,
    CT_INT64 = 4,
    CT_INT32 = 5,
    CT_INT16 = 6,
    CT_INT8 = 7,
    CT_UINT8 = 8,
    CT_BOOL = 9,
    CT_COMPLEX64 = 10,
};

/// A device: a negative number is the CPU, any other the CUDA GPU of that index.
typedef int32_t ct_device;

#define CT_OUT ct_tensor *out, char **error

CT_BEGIN
/// Frees a message or another buffer that this library returned.
void ct_free(void* buffer);
/// libtorch's version, such as "2.13.0".
const char* ct_libtorch_version(void);
/// The number of CPU threads that one operation of the calling thread may use.
ct_int ct_threads(void);
/// Sets it for the calling thread and for all that have not called libtorch yet.
ct_status ct_set_threads(ct_int count, char** error);
/// Sets it for the calling thread only.
ct_status ct_set_own_threads(ct_int count, char** error);
CT_END

#endif
