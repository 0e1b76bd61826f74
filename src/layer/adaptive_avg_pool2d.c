/* layer/adaptive_avg_pool2d.c: means of windows that cover an image of any size; see pool_avg.c. */
#include "layer/pool.h"

typedef struct adaptive_avg_pool2d {
  nn_layer base;
  nn_ints output_size;
  nn_pool_attr attr;
} adaptive_avg_pool2d;

extern const nn_layer_class nn_layer_adaptive_avg_pool2d;

static nn_status build(nn_ctx *ctx, nn_layer *l) {
  adaptive_avg_pool2d *p = (adaptive_avg_pool2d *)l;
  (void)ctx;
  return nn_conv_pair(l, "output_size", &p->output_size, 2, 1, p->attr.out);
}

static nn_status forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  (void)ctx, (void)last;
  return nn_pool_forward(l, &nn_op_pool_avg, &((adaptive_avg_pool2d *)l)->attr, 2, x, y);
}

static const nn_param params[] = {NN_P_INTS(adaptive_avg_pool2d, output_size, NN_P_NEEDED, 1, 1,
                                            NN_CONV_MAX,
                                            "the output's height and width, or {height, width}"),
                                  NN_P_END};

const nn_layer_class nn_layer_adaptive_avg_pool2d = {
  .name = "AdaptiveAvgPool2d",
  .doc = "Means of windows that cover the image, whatever its size. x: N x C x H x W, y: N x C x "
         "output_size (one number, or {height, width}). Window i of o reaches from floor(i H / o) "
         "to ceil((i + 1) H / o), counted from 0. AdaptiveAvgPool2d(1) is the mean of each "
         "channel, which lets one model take images of any size (Lin, Chen, Yan 2013). The "
         "gradient is spread evenly over each window.",
  .size = sizeof(adaptive_avg_pool2d),
  .params = params,
  .build = build,
  .forward = forward,
  .example = {{.inputs = "2x3x5x7", .args = "{2, 3}"}, {.inputs = "2x3x2x2", .args = "1"}},
};
