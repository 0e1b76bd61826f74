/* op/cumsum.c: y_i = x_1 + ... + x_i along a dimension; dx_i = dy_i + ... + dy_n. */
#ifndef R
#include <stdint.h>

#include "grad/axis.h"
#include "kernel/names.h"

enum { COLUMNS = 128 };

extern const nn_op nn_op_cumsum;

/* A tensor without dimensions is a line of one. */
static nn_status line_axis(const nn_call *c, nn_axis *a) {
  *a = (nn_axis){1, 1, 1};
  return c->in[0]->shape.ndim == 0 ? NN_OK : nn_call_axis(c, a);
}

#define NN_SELF "op/cumsum.c"
#include "kernel/each_type.h"

static nn_status infer(const nn_call *c) {
  nn_dtype d = c->in[0]->dtype;
  nn_axis a;
  NN_TRY(line_axis(c, &a));
  nn_value_set(c->out, nn_is_real(d) ? d : NN_I64, &c->in[0]->shape);
  return NN_OK;
}

const nn_op nn_op_cumsum = {
  .name = "cumsum",
  .doc = "The sums so far along a dimension (the last unless told), each with its own element. "
         "Floating sums accumulate in double; integer ones are int64.",
  .args = "x",
  .nin = 1,
  .attr_size = sizeof(nn_axis_attr),
  .params = nn_axis_dim_params,
  .infer = infer,
  .forward = NN_ALL(forward),
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "2x3"}, {.inputs = "2x3x4", .args = "2"}, {.inputs = "s"}},
};
#else

#ifdef NN_INTEGER
#define WIDE uint64_t
#define OUT int64_t
#else
#define WIDE double
#define OUT R
#endif

/* One column, whose sum stays in a register. */
static void FN(line)(int64_t n, int64_t step, const R *x, bool add, OUT *y) {
  WIDE sum = 0;
  for (int64_t i = 0; i < n; i++, x += step, y += step) {
    sum += (WIDE)*x;
    *y = (OUT)((add ? *y : 0) + (OUT)sum);
  }
}

/* n rows of m neighbouring columns, `step` from one row to the next; negative: from the end. */
NN_HOT static void FN(run)(int64_t n, int64_t step, int64_t m, const R *x, bool add, OUT *y) {
  WIDE sum[COLUMNS] = {0};
  for (int64_t i = 0; i < n; i++, x += step, y += step)
    for (int64_t k = 0; k < m; k++) {
      sum[k] += (WIDE)x[k];
      y[k] = (OUT)((add ? y[k] : 0) + (OUT)sum[k]);
    }
}

static nn_status FN(columns)(const nn_call *c, const nn_axis *a, bool back, const R *x, bool add,
                             OUT *y) {
  const int64_t first = back && a->n > 0 ? (a->n - 1) * a->inner : 0;
  for (int64_t o = 0; o < a->outer; o++) {
    if (o % 1024 == 0) NN_TRY(nn_poll(c->ctx));
    for (int64_t r = 0; r < a->inner; r += COLUMNS) {
      int64_t at = o * a->n * a->inner + r + first, step = back ? -a->inner : a->inner;
      int64_t m = a->inner - r < COLUMNS ? a->inner - r : COLUMNS;
      if (m == 1)
        FN(line)(a->n, step, x + at, add, y + at);
      else
        FN(run)(a->n, step, m, x + at, add, y + at);
    }
  }
  return NN_OK;
}

static nn_status FN(forward)(const nn_call *c) {
  nn_axis a;
  NN_TRY(line_axis(c, &a));
  return FN(columns)(c, &a, false, nn_data(c->in[0]), false, nn_data(c->out));
}

#ifndef NN_INTEGER
static nn_status FN(backward)(const nn_call *c) {
  nn_axis a = {1, 1, 1};
  NN_TRY(line_axis(c, &a));
  return FN(columns)(c, &a, true, nn_data(c->gout), c->add[0], nn_data(c->gin[0]));
}
#endif

#undef WIDE
#undef OUT
#endif
