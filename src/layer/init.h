/*
 * layer/init.h: initial weights. The names are the literature's: Glorot and Bengio 2010 (xavier),
 * He et al. 2015 (kaiming, with the gain of ReLU); "pytorch" is PyTorch's default for Linear and
 * convolutions, U(-1/sqrt(fan in), ...).
 */
#ifndef NN_LAYER_INIT_H
#define NN_LAYER_INIT_H

#include "tensor/tensor.h"

/* pytorch xavier_uniform xavier_normal kaiming_uniform kaiming_normal normal zeros; NULL ends */
extern const char *const nn_init_names[];

/* Fills a dense floating value from the stream "init". normal: N(0, 1). */
nn_status nn_init_fill(nn_ctx *ctx, const char *name, int64_t fan_in, int64_t fan_out,
                       const nn_value *v);
/* U(-bound, bound). */
void nn_init_uniform(nn_ctx *ctx, double bound, const nn_value *v);
void nn_init_normal(nn_ctx *ctx, double std, const nn_value *v);

#endif
