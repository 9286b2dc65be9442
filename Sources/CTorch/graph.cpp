#include "support.h"

// A libtorch without CUDA carries most of these headers, but not the one that its CUDA build writes; and CUDA packaged for
// Python may lack the compiler's own (crt).
#if __has_include(<cuda_runtime_api.h>) && __has_include(<crt/host_config.h>) && __has_include(<c10/cuda/impl/cuda_cmake_macros.h>)

#include <ATen/DeviceAccelerator.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/impl/VirtualGuardImpl.h>

using namespace ct;

struct ct_graph_object {
    at::cuda::CUDAGraph graph;
    // Capture needs a stream of its own; the default stream cannot be captured.
    c10::Stream stream;
    c10::Stream before;

    explicit ct_graph_object(at::Device card)
        : stream(c10::impl::VirtualGuardImpl(card.type()).getStreamFromGlobalPool(card)), before(stream) {}
};

bool ct_graph_compiled(void) { return true; }
bool ct_graph_available(void) { return ct_cuda_count() > 0; }
ct_status ct_graph_make(ct_graph* out, char** error) {
    if (!ct_graph_available()) {
        *error = copy_text("captured CUDA graphs are not available: no CUDA card can be used on this machine");
        return CT_UNAVAILABLE;
    }
    return guard(error, [&] { *out = new ct_graph_object(at::Device(at::kCUDA, at::accelerator::getDeviceIndex())); });
}
void ct_graph_release(ct_graph graph) { delete graph; }
ct_status ct_graph_begin(ct_graph graph, char** error) {
    return guard(error, [&] {
        graph->before = at::accelerator::getCurrentStream(graph->stream.device_index());
        at::accelerator::setCurrentStream(graph->stream);
        try {
            graph->graph.capture_begin();
        } catch (...) {
            at::accelerator::setCurrentStream(graph->before);
            throw;
        }
    });
}
ct_status ct_graph_end(ct_graph graph, char** error) {
    // The stream from before comes back even where the capture failed.
    auto status = guard(error, [&] { graph->graph.capture_end(); });
    char* ignored = nullptr;
    guard(status == CT_OK ? error : &ignored, [&] { at::accelerator::setCurrentStream(graph->before); });
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
ct_status ct_graph_make(ct_graph*, char** error) { return unavailable(error); }
void ct_graph_release(ct_graph) {}
ct_status ct_graph_begin(ct_graph, char** error) { return unavailable(error); }
ct_status ct_graph_end(ct_graph, char** error) { return unavailable(error); }
ct_status ct_graph_replay(ct_graph, char** error) { return unavailable(error); }

#endif
