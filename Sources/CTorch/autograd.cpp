#include "support.h"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <unordered_set>

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
ct_status ct_gradients(ct_tensor x, const ct_tensor* leaves, ct_int count, ct_tensor* gradients, char** error) {
    return guard(error, [&] {
        const auto asked = list(leaves, count);
        const auto found = torch::autograd::grad({*Borrowed(x)}, asked, /*grad_outputs=*/{}, /*retain_graph=*/false,
            /*create_graph=*/false, /*allow_unused=*/true);
        // One tensor may be the gradient of several leaves, and its memory layout may differ from its leaf's, or be an expanded view.
        std::unordered_set<const void*> owned;
        for (ct_int i = 0; i < count; i++) {
            if (!found[i].defined()) {
                gradients[i] = nullptr;
                continue;
            }
            const bool own = found[i].strides() == asked[i].strides() && found[i].is_non_overlapping_and_dense() &&
                owned.insert(found[i].storage().unsafeGetStorageImpl()).second;
            gradients[i] = give(own ? found[i] : at::empty_like(asked[i]).copy_(found[i]));
        }
    });
}
