// Differentiation.
#ifndef CT_AUTOGRAD_H
#define CT_AUTOGRAD_H
#include "ct_types.h"
CT_BEGIN

/// Whether operations on the calling thread record what differentiation needs.
bool ct_gradients_enabled(void);
void ct_set_gradients_enabled(bool enabled);
bool ct_requires_gradient(ct_tensor x);
ct_status ct_set_requires_gradient(ct_tensor x, bool required, char **error);
/// `*out` is null where no gradient has been computed.
ct_status ct_gradient(ct_tensor x, CT_OUT);
ct_status ct_clear_gradient(ct_tensor x, char **error);
ct_status ct_backward(ct_tensor x, char **error);

CT_END
#endif
