// Captured CUDA graphs: a fixed sequence of kernels, recorded once and replayed with one launch. CT_UNAVAILABLE if this library was built without
// CUDA's headers, or no GPU can be used.
#ifndef CT_GRAPH_H
#define CT_GRAPH_H
#include "ct_types.h"
CT_BEGIN

typedef struct ct_graph_object* ct_graph;
/// Whether this library was built with CUDA's headers.
bool ct_graph_compiled(void);
bool ct_graph_available(void);
/// A graph of operations on one GPU.
ct_status ct_graph_make(ct_device device, ct_graph* out, char** error);
void ct_graph_release(ct_graph graph);
ct_status ct_graph_begin(ct_graph graph, char** error);
ct_status ct_graph_end(ct_graph graph, char** error);
ct_status ct_graph_replay(ct_graph graph, char** error);

CT_END
#endif
