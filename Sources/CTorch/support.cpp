#include "support.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/version.h>

#include <dlfcn.h>
#include <mutex>
#include <thread>

namespace ct {

at::ScalarType scalar_type(ct_dtype dtype) {
    switch (dtype) {
        case CT_FLOAT32: return at::kFloat;
        case CT_FLOAT64: return at::kDouble;
        case CT_FLOAT16: return at::kHalf;
        case CT_BFLOAT16: return at::kBFloat16;
        case CT_INT64: return at::kLong;
        case CT_INT32: return at::kInt;
        case CT_INT16: return at::kShort;
        case CT_INT8: return at::kChar;
        case CT_UINT8: return at::kByte;
        case CT_BOOL: return at::kBool;
        case CT_COMPLEX64: return at::kComplexFloat;
    }
    TORCH_CHECK(false, "unknown dtype code ", dtype);
}

ct_dtype dtype_code(at::ScalarType type) {
    switch (type) {
        case at::kFloat: return CT_FLOAT32;
        case at::kDouble: return CT_FLOAT64;
        case at::kHalf: return CT_FLOAT16;
        case at::kBFloat16: return CT_BFLOAT16;
        case at::kLong: return CT_INT64;
        case at::kInt: return CT_INT32;
        case at::kShort: return CT_INT16;
        case at::kChar: return CT_INT8;
        case at::kByte: return CT_UINT8;
        case at::kBool: return CT_BOOL;
        case at::kComplexFloat: return CT_COMPLEX64;
        default: return -1;
    }
}

namespace {
/// A CPU build of libtorch has no CUDA library; if there is one, its kernels register themselves when it is loaded.
bool load_cuda() {
    static const bool loaded = dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr;
    return loaded && at::hasCUDA();
}
}  // namespace

at::Device device(ct_device device) {
    if (device < 0) return at::Device(at::kCPU);
    TORCH_CHECK(load_cuda(), "this libtorch was built without CUDA, or no NVIDIA GPU can be used on this machine");
    return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(device));
}

at::TensorOptions options(ct_dtype dtype, ct_device device) { return at::TensorOptions().dtype(scalar_type(dtype)).device(ct::device(device)); }

char* copy_text(const std::string& text) {
    char* copy = static_cast<char*>(malloc(text.size() + 1));
    if (copy) memcpy(copy, text.c_str(), text.size() + 1);
    return copy;
}

ct_status report(char** error) noexcept {
    try {
        throw;
    } catch (const c10::OutOfMemoryError& failure) {
        *error = copy_text(failure.what_without_backtrace());
        return CT_OUT_OF_MEMORY;
    } catch (const c10::Error& failure) {
        const char* text = failure.what_without_backtrace();
        *error = copy_text(text);
        // The CPU allocator reports exhaustion as an ordinary error, with its own text.
        return strstr(text, "not enough memory") || strstr(text, "can't allocate memory") ? CT_OUT_OF_MEMORY : CT_FAILED;
    } catch (const std::bad_alloc&) {
        *error = copy_text("not enough memory");
        return CT_OUT_OF_MEMORY;
    } catch (const std::exception& failure) {
        *error = copy_text(failure.what());
        return CT_FAILED;
    } catch (...) {
        *error = copy_text("an unknown C++ exception");
        return CT_FAILED;
    }
}

}  // namespace ct

using namespace ct;

void ct_free(void* buffer) { free(buffer); }
const char* ct_libtorch_version(void) { return TORCH_VERSION; }
ct_int ct_threads(void) { return at::get_num_threads(); }
ct_status ct_set_threads(ct_int count, char** error) {
    return guard(error, [&] { at::set_num_threads(static_cast<int>(count)); });
}
ct_status ct_set_own_threads(ct_int count, char** error) {
    return guard(error, [&] {
        // OpenMP and MKL keep a number for each thread; a thread's first call to libtorch sets it to the number set last. Reading the number is such
        // a call, so that nothing changes it later.
        if (at::get_num_threads() == count) return;
        static std::mutex turn;
        std::scoped_lock lock(turn);
        // The number for threads that have not called libtorch yet is restored by another thread.
        int others = 0;
        std::thread([&] { others = at::get_num_threads(); }).join();
        at::set_num_threads(static_cast<int>(count));
        std::thread([&] { at::set_num_threads(others); }).join();
    });
}

ct_int ct_cuda_count(void) {
    try {
        return load_cuda() ? static_cast<ct_int>(at::detail::getCUDAHooks().deviceCount()) : 0;
    } catch (...) {
        return 0;
    }
}
