#include "support.h"

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/SDPBackend.h>
#include <ATen/Version.h>

using namespace ct;

const char* ct_cpu_capability(void) {
    static const std::string name = at::get_cpu_capability();
    return name.c_str();
}

bool ct_tf32_allowed(void) {
    try {
        return at::globalContext().allowTF32CuBLAS() && at::globalContext().allowTF32CuDNN();
    } catch (...) {
        return false;
    }
}
ct_status ct_allow_tf32(bool allowed, char** error) {
    return guard(error, [&] {
        // libtorch's default is no TF32 in products and TF32 in convolutions; here one switch controls both.
        at::globalContext().setAllowTF32CuBLAS(allowed);
        at::globalContext().setAllowTF32CuDNN(allowed);
    });
}

ct_status ct_attention_backend(ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor mask, bool causal, int32_t* out, char** error) {
    return guard(error, [&] {
        auto choice = at::_fused_sdp_choice(Borrowed(query), Borrowed(key), Borrowed(value), Borrowed(mask).optional(), /*dropout_p=*/0.0, causal);
        switch (static_cast<at::SDPBackend>(choice)) {
            case at::SDPBackend::math: *out = CT_ATTENTION_MATH; break;
            case at::SDPBackend::flash_attention: *out = CT_ATTENTION_FLASH; break;
            case at::SDPBackend::efficient_attention: *out = CT_ATTENTION_EFFICIENT; break;
            case at::SDPBackend::cudnn_attention: *out = CT_ATTENTION_CUDNN; break;
            case at::SDPBackend::error: TORCH_CHECK(false, "no attention kernel takes these operands");
            default: *out = CT_ATTENTION_OTHER;
        }
    });
}
