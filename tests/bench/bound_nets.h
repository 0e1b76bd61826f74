/*
 * bench/bound_nets.h: the matrix products of a step of the nets of nets.lua, for bound.c. A
 * convolution is one product an image over its columns, which are taken as gathered; images go to
 * the threads.
 */
#include <cblas.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* C (m, n) = op(A) (m, k) op(B) (k, n); `times` of them one after the other, 0: one an image. */
typedef struct product {
  bool ta, tb;
  int m, n, k, times;
} product;

typedef struct products {
  const char *name;
  bool inference;
  int batch; /* that the sizes below are made for */
  product list[16];
} products;

/* Forward, dW, dx of a convolution of `o` kernels with k columns and p places; of a layer at b rows. */
#define CONV(o, k, p) \
  { false, false, o, p, k, 0 }
#define CONV_W(o, k, p) \
  { false, true, o, k, p, 0 }
#define CONV_X(o, k, p) \
  { true, false, k, p, o, 0 }
#define FC(b, in, out) \
  { false, true, b, out, in, 1 }
#define FC_W(b, in, out) \
  { true, false, out, in, b, 1 }
#define FC_X(b, in, out) \
  { false, false, b, in, out, 1 }

static const products nets[] = {
  {"cnn",
   false,
   64,
   {CONV(32, 9, 676), CONV(64, 288, 576), FC(64, 9216, 128), FC(64, 128, 10), FC_W(64, 128, 10),
    FC_X(64, 128, 10), FC_W(64, 9216, 128), FC_X(64, 9216, 128), CONV_W(64, 288, 576),
    CONV_X(64, 288, 576), CONV_W(32, 9, 676)}},
  {"cnn-inference",
   true,
   64,
   {CONV(32, 9, 676), CONV(64, 288, 576), FC(64, 9216, 128), FC(64, 128, 10)}},
  {"lenet",
   false,
   64,
   {CONV(6, 25, 784), CONV(16, 150, 100), FC(64, 400, 120), FC(64, 120, 84), FC(64, 84, 10),
    FC_W(64, 84, 10), FC_X(64, 84, 10), FC_W(64, 120, 84), FC_X(64, 120, 84), FC_W(64, 400, 120),
    FC_X(64, 400, 120), CONV_W(16, 150, 100), CONV_X(16, 150, 100), CONV_W(6, 25, 784)}},
  {"lstm",
   false,
   128,
   {FC(3584, 28, 512),
    {false, true, 128, 512, 128, 27},
    FC(128, 128, 10),
    FC_W(128, 128, 10),
    FC_X(128, 128, 10),
    {false, false, 128, 128, 512, 27},
    FC_W(3584, 128, 512),
    FC_W(3584, 28, 512)}},
};

static const products *find_products(const char *work, int batch) {
  for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
    if (strcmp(work, nets[i].name) == 0 && nets[i].batch == batch) return &nets[i];
  return NULL;
}

typedef struct operands {
  const products *of;
  float *a, *b, *c; /* large enough for each product; a place of its own for each image's C */
  size_t image;     /* elements of C an image */
} operands;

static size_t most(size_t a, size_t b) {
  return a > b ? a : b;
}

static operands operands_of(const products *p, float *(*floats)(size_t)) {
  size_t a = 1, b = 1, c = 1, image = 1;
  for (const product *q = p->list; q->m; q++) {
    size_t m = (size_t)q->m, n = (size_t)q->n, k = (size_t)q->k;
    a = most(a, m * k);
    b = most(b, k * n);
    c = most(c, m * n);
    if (!q->times) image = most(image, m * n);
  }
  return (operands){p, floats(a), floats(b), floats(most(c, image * (size_t)p->batch)), image};
}

static void products_step(void *arg) {
  const operands *s = arg;
  for (const product *q = s->of->list; q->m; q++) {
    const int lda = q->ta ? q->m : q->k, ldb = q->tb ? q->k : q->n;
    const enum CBLAS_TRANSPOSE ta = q->ta ? CblasTrans : CblasNoTrans,
                               tb = q->tb ? CblasTrans : CblasNoTrans;
    for (int i = 0; i < q->times; i++)
      cblas_sgemm(CblasRowMajor, ta, tb, q->m, q->n, q->k, 1, s->a, lda, s->b, ldb, 0, s->c, q->n);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < (q->times ? 0 : s->of->batch); i++)
      cblas_sgemm(CblasRowMajor, ta, tb, q->m, q->n, q->k, 1, s->a, lda, s->b, ldb, 0,
                  s->c + (size_t)i * s->image, q->n);
  }
}

/* Keeps the operands of the last work, as run() does. */
static operands *operands_for(const char *work, int batch, float *(*floats)(size_t),
                              void (*drop)(void *)) {
  static operands last;
  const products *p = find_products(work, batch);
  if (!p || p == last.of) return p ? &last : NULL;
  drop(last.a), drop(last.b), drop(last.c);
  last = operands_of(p, floats);
  return &last;
}
