/* layer/sequential.c: layers one after the other, in C from end to end. */
#include <stdio.h>
#include <string.h>

#include "layer/layer.h"

extern const nn_layer_class nn_layer_sequential;

/* The operation that can be computed in Linear's epilogue: elementwise, no arguments, gradient
   from the output alone. */
static const nn_op *fusable(const nn_layer *l) {
  const nn_op *op = l->class->op;
  if (!op || op->attr_size || !op->row[NN_F32] || op->grad[0].needs != NN_OUT) return NULL;
  return op;
}

/* Runs child i, or a Linear and the activation behind it; returns how many it ran. */
static int run(nn_ctx *ctx, nn_layer *l, int i, nn_tensor *x, bool own, nn_tensor **y,
               nn_status *st) {
  nn_layer *child = l->child[i];
  if (child->class == &nn_layer_linear) {
    const nn_op *act = i + 1 < l->nchild ? fusable(l->child[i + 1]) : NULL;
    *st = nn_linear_forward(ctx, child, act, x, y);
    return act ? 2 : 1;
  }
  *st = nn_layer_forward(ctx, child, x, own, y);
  return 1;
}

/* Says which child failed: "Sequential[3]: Linear(784, 10): ..."; one inside another makes one path,
   "Sequential[3][1]: ...". */
static void name_child(nn_ctx *ctx, int i) {
  static const char name[] = "Sequential[";
  const size_t n = sizeof name - 2; /* without the bracket */
  char where[48];
  if (strncmp(ctx->err, name, n + 1) == 0) {
    char inner[NN_ERR_SIZE];
    snprintf(inner, sizeof inner, "%s", ctx->err + n);
    nn_fail(ctx, NN_OK, "Sequential[%d]%s", i + 1, inner);
    return;
  }
  snprintf(where, sizeof where, "Sequential[%d]", i + 1);
  nn_fail_prefix(ctx, where);
}

static nn_status forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  nn_tensor *at = nn_tensor_retain(x);
  nn_status st = NN_OK;
  (void)last;
  *y = NULL;
  for (int i = 0; i < l->nchild && st == NN_OK;) {
    nn_tensor *next = NULL;
    int ran = run(ctx, l, i, at, at != x, &next, &st);
    if (st != NN_OK && st != NN_EINTR && st != NN_ECALLBACK) name_child(ctx, i);
    nn_tensor_release(at);
    at = next;
    i += ran;
  }
  if (st == NN_OK) *y = at;
  return st;
}

const nn_layer_class nn_layer_sequential = {
  .name = "Sequential",
  .doc = "Layers, modules and functions one after the other, y = f_n(... f_2(f_1(x))): "
         "Sequential{Linear(784, 15), Sigmoid(), Linear(15, 10)}. model[i] is the i-th, which can "
         "be assigned, #model how many, model:add(m) puts one behind. A Linear and the ReLU, Tanh "
         "or Sigmoid behind it are computed as one, with the same bits.",
  .size = sizeof(nn_layer),
  .forward = forward,
  .pure = true,
  .container = true,
};
