// This package's own CPU kernels: products with packed weights, and a transformer's step with them.
#ifndef CKERNELS_H
#define CKERNELS_H

#include "ck_decoder.h"
#include "ck_matrix.h"
#include "ck_measure.h"
#include "ck_product.h"
#include "ck_sample.h"
#include "ck_team.h"

#endif
