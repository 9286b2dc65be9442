#include "support.h"

#if __has_include(<cuda_runtime_api.h>) && __has_include(<ATen/cuda/CUDAGraph.h>)

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

using namespace ct;

struct ct_graph_object {
    at::cuda::CUDAGraph graph;
    // Capture needs a stream of its own; the default stream cannot be captured.
    c10::cuda::CUDAStream stream = c10::cuda::getStreamFromPool();
    std::optional<c10::cuda::CUDAStreamGuard> capturing;
};

bool ct_graph_available(void) { return true; }
ct_status ct_graph_make(ct_graph* out, char** error) {
    return guard(error, [&] { *out = new ct_graph_object; });
}
void ct_graph_release(ct_graph graph) { delete graph; }
ct_status ct_graph_begin(ct_graph graph, char** error) {
    return guard(error, [&] {
        graph->capturing.emplace(graph->stream);
        graph->graph.capture_begin();
    });
}
ct_status ct_graph_end(ct_graph graph, char** error) {
    return guard(error, [&] {
        graph->graph.capture_end();
        graph->capturing.reset();
    });
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

bool ct_graph_available(void) { return false; }
ct_status ct_graph_make(ct_graph*, char** error) { return unavailable(error); }
void ct_graph_release(ct_graph) {}
ct_status ct_graph_begin(ct_graph, char** error) { return unavailable(error); }
ct_status ct_graph_end(ct_graph, char** error) { return unavailable(error); }
ct_status ct_graph_replay(ct_graph, char** error) { return unavailable(error); }

#endif
