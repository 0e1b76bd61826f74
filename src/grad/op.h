/*
 * grad/op.h: what an operation is. One file in src/op/ ends in one nn_op; ops.def lists it.
 *
 * An operation computes by one of three means:
 *   row      elementwise: a function over contiguous runs (kernel/walk.h does broadcasting and strides)
 *   view     the result shares the input's storage; only geometry is computed
 *   forward  anything else: a kernel over whole values, which it finds dense unless NN_OP_STRIDED
 * and goes backward by `grad` (rows, one for each input), `pull` (the input's gradient is a view of
 * the output's) or `backward` (a kernel that writes every wanted gradient, in the order of the
 * inputs).
 */
#ifndef NN_GRAD_OP_H
#define NN_GRAD_OP_H

#include "base/param.h"
#include "kernel/walk.h"
#include "tensor/tensor.h"

/* An elementwise operation has at most NN_MAXIN inputs; NN_LIST as nin means a list of any
   length (cat, stack). */
enum { NN_MAXIN = 4, NN_MAXAUX = 2, NN_LIST = -1 };

typedef struct nn_op nn_op;

/* One call, forward or backward. Values that backward did not ask to save have geometry but no
   storage. */
typedef struct nn_call {
  nn_ctx *ctx;
  const nn_op *op;
  const void *attr;
  int nin;
  nn_value **in;
  nn_value *out;
  nn_value *aux[NN_MAXAUX];
  /* backward only */
  const nn_value *gout; /* dense unless NN_OP_STRIDED */
  nn_value **gin;       /* NULL where no gradient is wanted; dense */
  const bool *add; /* add[k]: gin[k] += ...; else gin[k] = ..., and its contents must not be read */
} nn_call;

typedef nn_status (*nn_kernel)(const nn_call *c);

/* What backward reads: bits for nn_op.saves and nn_row_grad.needs. */
#define NN_IN(k) (1u << (k))
#define NN_OUT (1u << 8)
#define NN_AUX(k) (1u << (9 + (k)))

/* The gradient of one input of an elementwise operation. The row's pointers are: the gradient
   (written), the output's gradient, then what it needs in the order of the bits. */
typedef struct nn_row_grad {
  nn_row row[NN_NREAL];
  unsigned needs;
  bool pass; /* no row: it is the output's gradient itself */
} nn_row_grad;

typedef enum nn_op_flags {
  NN_OP_PROMOTE =
    1, /* inputs of different dtypes are brought to a common one; integers join floats */
  NN_OP_FLOAT = 2,   /* integer inputs become the default floating dtype */
  NN_OP_STRIDED = 4, /* forward and backward deal with strides themselves */
  NN_OP_REUSE = 8,   /* the output may be written over in[0] */
  NN_OP_MIXED = 16, /* inputs may differ in dtype (labels, indices); the first decides the kernel */
  NN_OP_PLAIN = 32, /* a 0-d result reaches scripts as a plain number */
  NN_OP_WHOLE = 64, /* over everything, without a dimension, scripts get the first result alone */
  NN_OP_LIGHT = 128, /* the row is an instruction or two: see NN_WALK_LIGHT */
  NN_OP_PARTS = 256  /* the kernels note their parts on a tape themselves (grad/tape.h) */
} nn_op_flags;

/* How the registry test calls a unit. Inputs in words, one after the other: "2x3" floating,
   "4<3" int64 in 1..3, "s" a scalar. */
typedef struct nn_example {
  const char *inputs;
  const char *args; /* "3, 4, bias = false" */
  double lo, hi;    /* the range of floating inputs; both 0: -1..1 */
} nn_example;

enum { NN_MAXEXAMPLES = 6 };

struct nn_op {
  const char *name;
  const char *doc;  /* formula, shapes, source: the manual's text */
  const char *args; /* names of the tensors, for help and errors: "x, y" */
  int nin;          /* how many tensors, or NN_LIST */
  int nout_aux;     /* values made beside the output for backward or the caller */
  int results;      /* of these, the first so many are results too (indices of sort): no gradient */
  unsigned flags;   /* nn_op_flags */
  unsigned saves;   /* for `backward` and `pull`: NN_IN, NN_OUT, NN_AUX */
  size_t attr_size;
  const nn_param *params; /* of the attr struct */
  /* Checks the inputs and sets dtype and shape of out (nn_value_set) and aux. */
  nn_status (*infer)(const nn_call *c);
  nn_row row[NN_NDTYPE];
  nn_row_grad grad[NN_MAXIN];
  nn_status (*view)(const nn_call *c); /* sets out's whole geometry and storage */
  nn_status (*pull)(const nn_call *c,
                    nn_value *gin); /* geometry and storage of the gradient, from gout */
  nn_kernel forward[NN_NDTYPE];
  nn_kernel backward[NN_NREAL];
  void (*drop_attr)(nn_ctx *ctx, void *attr); /* releases what the attr owns; NULL: nothing */
  bool no_grad; /* the output never carries a gradient (comparisons, argmax) */
  nn_example example[NN_MAXEXAMPLES];
};

/* Usual infer functions. */
nn_status nn_infer_same(const nn_call *c);      /* like in[0] */
nn_status nn_infer_broadcast(const nn_call *c); /* all inputs broadcast; dtype of in[0] */
nn_status nn_infer_mask(const nn_call *c);      /* broadcast, uint8 */

/*
 */
nn_status nn_apply(nn_ctx *ctx, const nn_op *op, const void *attr, int nin, nn_tensor *const *in,
                   nn_tensor **out);
/* The same for an operation with more results: out has room for 1 + op->results. */
nn_status nn_apply_all(nn_ctx *ctx, const nn_op *op, const void *attr, int nin,
                       nn_tensor *const *in, nn_tensor **out);
/* The same for one input that the caller will not use again: its buffer may become the output's. */
nn_status nn_apply_last(nn_ctx *ctx, const nn_op *op, const void *attr, nn_tensor *in,
                        nn_tensor **out);

/* An elementwise operation computed into in[0], whose shape and dtype must be the result's. Not
   recorded: it fails when gradients are on and one of the tensors needs one. */
nn_status nn_apply_into(nn_ctx *ctx, const nn_op *op, const void *attr, int nin,
                        nn_tensor *const *in);
/* Fails when writing into t now would corrupt a gradient: it is a leaf that wants one, or was
   computed from such. */
nn_status nn_check_writable(nn_ctx *ctx, const char *who, const nn_tensor *t);

/* The registry (op/registry.c). */
extern const nn_op *const nn_ops[]; /* NULL ends */
const nn_op *nn_op_find(const char *name);

#endif
