// Files that Python's torch.save wrote.
#ifndef CT_ARCHIVE_H
#define CT_ARCHIVE_H
#include "ct_types.h"
CT_BEGIN

/// Called for each tensor found, under the dotted path of dictionary keys and list positions that
/// leads to it. The callee owns the tensor. For other leaves (numbers, strings) `tensor` is null and
/// `text` is the value as text.
typedef void (*ct_archive_visitor)(void *context, const char *path, ct_tensor tensor, const char *text);
/// Reads a pickled tree of dictionaries, lists and tensors onto the CPU; anything else is an error.
ct_status ct_archive_read(const void *bytes, size_t count, ct_archive_visitor visitor, void *context, char **error);

CT_END
#endif
