#include "support.h"

// A libtorch without CUDA contains most of these headers, but not the one that its CUDA build generates; and CUDA packaged for Python may lack the
// compiler's own (crt).
#if __has_include(<cuda_runtime_api.h>) && __has_include(<crt/host_config.h>) && __has_include(<c10/cuda/impl/cuda_cmake_macros.h>)

#include <ATen/DeviceAccelerator.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/impl/VirtualGuardImpl.h>

using namespace ct;

struct ct_graph_object {
    at::cuda::CUDAGraph graph;
    // Capturing needs a separate stream; the default stream cannot be captured.
    c10::Stream stream;
    // The stream that was current before: a capture applies to the current stream of the current GPU.
    c10::Stream stream_before;
    c10::DeviceIndex gpu_before;

    explicit ct_graph_object(at::Device gpu)
        : stream(c10::impl::VirtualGuardImpl(gpu.type()).getStreamFromGlobalPool(gpu)),
          stream_before(stream),
          gpu_before(gpu.index()) {}

    void enter() {
        gpu_before = at::accelerator::getDeviceIndex();
        at::accelerator::setDeviceIndex(stream.device_index());
        stream_before = at::accelerator::getCurrentStream(stream.device_index());
        at::accelerator::setCurrentStream(stream);
    }
    void leave() {
        at::accelerator::setCurrentStream(stream_before);
        at::accelerator::setDeviceIndex(gpu_before);
    }
};

bool ct_graph_compiled(void) { return true; }
bool ct_graph_available(void) { return ct_cuda_count() > 0; }
ct_status ct_graph_make(ct_device device, ct_graph* out, char** error) {
    if (!ct_graph_available()) {
        *error = copy_text("captured CUDA graphs are not available: no GPU can be used on this machine");
        return CT_UNAVAILABLE;
    }
    return guard(error, [&] {
        auto place = ct::device(device);
        TORCH_CHECK(place.is_cuda(), "a CPU's operations cannot be captured");
        *out = new ct_graph_object(place);
    });
}
void ct_graph_release(ct_graph graph) { delete graph; }
ct_status ct_graph_begin(ct_graph graph, char** error) {
    return guard(error, [&] {
        graph->enter();
        try {
            graph->graph.capture_begin();
        } catch (...) {
            graph->leave();
            throw;
        }
    });
}
ct_status ct_graph_end(ct_graph graph, char** error) {
    // The previous stream and GPU are restored even if the capture failed.
    auto status = guard(error, [&] { graph->graph.capture_end(); });
    char* ignored = nullptr;
    guard(status == CT_OK ? error : &ignored, [&] { graph->leave(); });
    ct_free(ignored);
    return status;
}
ct_status ct_graph_replay(ct_graph graph, char** error) {
    return guard(error, [&] { graph->graph.replay(); });
}

#else

using namespace ct;

namespace {
ct_status unavailable(char** error) {
    *error = copy_text("captured CUDA graphs are not available: this program was built without CUDA's headers");
    return CT_UNAVAILABLE;
}
}  // namespace

bool ct_graph_compiled(void) { return false; }
bool ct_graph_available(void) { return false; }
ct_status ct_graph_make(ct_device, ct_graph*, char** error) { return unavailable(error); }
void ct_graph_release(ct_graph) {}
ct_status ct_graph_begin(ct_graph, char** error) { return unavailable(error); }
ct_status ct_graph_end(ct_graph, char** error) { return unavailable(error); }
ct_status ct_graph_replay(ct_graph, char** error) { return unavailable(error); }

#endif
