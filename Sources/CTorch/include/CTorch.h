// The C interface of libtorch on which the Swift module `Torch` is built. One header for each topic.
#ifndef CTORCH_H
#define CTORCH_H

#include "ct_autograd.h"
#include "ct_backend.h"
#include "ct_driver.h"
#include "ct_graph.h"
#include "ct_memory.h"
#include "ct_neural.h"
#include "ct_operations.h"
#include "ct_optimizer.h"
#include "ct_random.h"
#include "ct_signal.h"
#include "ct_tensor.h"
#include "ct_types.h"

#endif
