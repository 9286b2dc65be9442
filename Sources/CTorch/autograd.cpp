#include "support.h"

#include <c10/core/GradMode.h>

using namespace ct;

bool ct_gradients_enabled(void) { return c10::GradMode::is_enabled(); }
void ct_set_gradients_enabled(bool enabled) { c10::GradMode::set_enabled(enabled); }
bool ct_requires_gradient(ct_tensor x) { return Borrowed(x)->requires_grad(); }
ct_status ct_set_requires_gradient(ct_tensor x, bool required, char** error) {
    return guard(error, [&] { Borrowed(x)->set_requires_grad(required); });
}
ct_status ct_gradient(ct_tensor x, CT_OUT) {
    return guard(error, [&] {
        const auto& gradient = Borrowed(x)->grad();
        *out = gradient.defined() ? give(gradient) : nullptr;
    });
}
ct_status ct_clear_gradient(ct_tensor x, char** error) {
    return guard(error, [&] { Borrowed(x)->mutable_grad() = at::Tensor(); });
}
ct_status ct_backward(ct_tensor x, char** error) {
    return guard(error, [&] { Borrowed(x)->backward(); });
}
