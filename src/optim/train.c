/* optim/train.c: see train.h. */
#include "optim/train.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "grad/graph.h"
#include "kernel/reduce.h"
#include "kernel/walk.h"
#include "optim/clip.h"
#include "optim/penalty.h"
#include "optim/replay.h"

extern const nn_op nn_op_index_select, nn_op_mul;

/* ---- making one ---- */

nn_status nn_trainer_new(nn_ctx *ctx, int nparams, int nbuffers, nn_trainer **out) {
  *out = NULL;
  nn_trainer *t = nn_mem_take_zero(ctx, sizeof *t);
  if (!t) return NN_ENOMEM;
  t->ctx = ctx;
  *out = t;
  t->param = nn_mem_take_zero(ctx, (size_t)(nparams + 1) * sizeof *t->param);
  t->others = nn_mem_take_zero(ctx, (size_t)(nparams + 1) * sizeof *t->others);
  t->nparams = nparams;
  t->buffer = nn_mem_take_zero(ctx, (size_t)(nbuffers + 1) * sizeof *t->buffer);
  t->kept = nn_mem_take_zero(ctx, (size_t)(nbuffers + 1) * sizeof *t->kept);
  t->nbuffers = nbuffers;
  if (t->param && t->others && t->buffer && t->kept) return NN_OK;
  nn_trainer_free(t);
  *out = NULL;
  return NN_ENOMEM;
}

static void release_all(nn_ctx *ctx, nn_tensor **list, int n) {
  for (int i = 0; list && i < n; i++) nn_tensor_release(list[i]);
  nn_mem_give(ctx, list, (size_t)(n + 1) * sizeof *list);
}

void nn_trainer_free(nn_trainer *t) {
  if (!t) return;
  release_all(t->ctx, t->param, t->nparams);
  release_all(t->ctx, t->buffer, t->nbuffers);
  nn_mem_give(t->ctx, t->others, (size_t)(t->nparams + 1) * sizeof *t->others);
  nn_mem_give(t->ctx, t->kept, (size_t)(t->nbuffers + 1) * sizeof *t->kept);
  nn_mem_give(t->ctx, t->ended, (size_t)t->ended_room * sizeof *t->ended);
  nn_storage_release(t->keep);
  for (int i = 0; i < 3; i++) nn_tensor_release(t->rows[i]);
  nn_tensor_release(t->x);
  nn_tensor_release(t->y);
  nn_tensor_release(t->weight);
  nn_tensor_release(t->order);
  nn_tensor_release(t->outputs);
  nn_layer_release(t->model);
  nn_loss_release(t->loss);
  nn_optim_release(t->optim);
  nn_mem_give(t->ctx, t, sizeof *t);
}

nn_status nn_trainer_build(nn_trainer *t) {
  size_t bytes = 0;
  for (int i = 0; i < t->nbuffers; i++) {
    const nn_value *v = &t->buffer[i]->v;
    nn_value_set(&t->kept[i], v->dtype, &v->shape);
    t->kept[i].offset = (int64_t)(bytes / nn_dtype_size(v->dtype));
    bytes += ((size_t)v->numel * nn_dtype_size(v->dtype) + 63) & ~(size_t)63;
  }
  if (bytes == 0) return NN_OK;
  NN_TRY(nn_storage_new(t->ctx, bytes, &t->keep));
  for (int i = 0; i < t->nbuffers; i++) t->kept[i].storage = t->keep;
  return NN_OK;
}

/* ---- the mark ---- */

nn_status nn_trainer_mark(nn_trainer *t) {
  t->rng = t->ctx->rng;
  if (t->optim) memcpy(t->global, t->optim->global, sizeof t->global);
  for (int i = 0; i < t->nbuffers; i++) NN_TRY(nn_copy_into(t->ctx, &t->kept[i], &t->buffer[i]->v));
  return NN_OK;
}

void nn_trainer_rewind(nn_trainer *t) {
  t->ctx->rng = t->rng;
  if (t->optim) {
    memcpy(t->optim->global, t->global, sizeof t->global);
    nn_optim_zero_grad(t->optim);
  }
  for (int i = 0; i < t->nbuffers; i++) {
    nn_copy_into(t->ctx, &t->buffer[i]->v, &t->kept[i]);
    nn_touch(&t->buffer[i]->v);
  }
}

/* ---- between backward and step ---- */

/* Gradients whose step could leave the range of the dtype are as good as infinite. */
static bool is_tame(const nn_trainer *t, double largest) {
  double lr = 1, most = FLT_MAX;
  for (int g = 0; t->optim && g < t->optim->ngroups; g++)
    lr = fmax(lr, ((const nn_hyper *)t->optim->hyper[g])->lr);
  if (t->nparams > 0 && t->param[0]->v.dtype == NN_F64) most = DBL_MAX;
  return largest <= most / 1024 / lr;
}

nn_status nn_trainer_settle(nn_trainer *t, double *penalty, bool *finite) {
  double largest;
  *penalty = 0;
  if (t->l1 != 0 || t->l2 != 0)
    NN_TRY(nn_penalise(t->ctx, t->nparams, t->param, t->l1, t->l2, penalty));
  if (t->clip_value > 0) nn_clip_value(t->nparams, t->param, t->clip_value);
  if (t->clip_norm > 0) { /* no gradient is larger than their norm */
    nn_clip_norm(t->nparams, t->param, t->clip_norm, 2, &largest);
    if (isfinite(largest)) largest = fmin(largest, t->clip_norm);
  } else if (t->bounded) {
    largest = nn_clip_largest(t->nothers, t->others);
  } else {
    largest = nn_clip_largest(t->nparams, t->param);
  }
  *finite = is_tame(t, largest);
  return NN_OK;
}

/* ---- rows of the data ---- */

static bool is_alone(const nn_tensor *t) {
  return t && t->refs == 1 && !t->node && !t->requires_grad;
}

/* Rows first .. first + n - 1 of the order, copied into the batch of last time where nobody else
   holds it. */
static nn_status gather(nn_trainer *t, const nn_tensor *from, int64_t first, int64_t n,
                        nn_tensor **batch) {
  nn_ctx *ctx = t->ctx;
  nn_shape s = from->v.shape;
  int64_t rows = s.dim[0];
  size_t run = rows ? (size_t)(from->v.numel / rows) * nn_dtype_size(from->v.dtype) : 0;
  const int64_t *index = (const int64_t *)nn_data(&t->order->v) + first;
  nn_tensor *b = *batch;
  if (!is_alone(b) || b->v.storage->refs > 1) {
    nn_tensor_release(b);
    *batch = NULL;
    s.dim[0] = t->size < rows ? t->size : rows;
    NN_TRY(nn_tensor_new(ctx, from->v.dtype, &s, batch));
    b = *batch;
  }
  b->v.shape.dim[0] = n;
  nn_value_settle(&b->v);
  char *to = nn_data(&b->v);
  const char *data = nn_data(&from->v);
  for (int64_t i = 0; i < n; i++)
    memcpy(to + (size_t)i * run, data + (size_t)(index[i] - 1) * run, run);
  nn_touch(&b->v);
  return NN_OK;
}

static nn_status narrowed(nn_trainer *t, nn_tensor *from, int64_t first, int64_t n,
                          nn_tensor **batch) {
  nn_value v;
  nn_tensor *b = *batch;
  if (is_alone(b) && b->v.storage == from->v.storage && b->v.shape.dim[0] == n) { /* moves on */
    b->v.offset = from->v.offset + first * from->v.stride[0];
    return NN_OK;
  }
  nn_value_copy(&v, &from->v);
  v.shape.dim[0] = n;
  v.offset += first * v.stride[0];
  nn_value_settle(&v);
  if (is_alone(b)) {
    nn_value_copy(&b->v, &v); /* the same storage: its reference stays */
    return NN_OK;
  }
  nn_tensor_release(*batch);
  *batch = NULL;
  return nn_tensor_view(t->ctx, &v, batch);
}

static nn_status selected(nn_trainer *t, nn_tensor *from, int64_t first, int64_t n,
                          nn_tensor **batch) {
  nn_tensor *rows = NULL;
  const struct { int64_t dim; } attr = {1};
  nn_tensor_release(*batch);
  *batch = NULL;
  NN_TRY(narrowed(t, t->order, first, n, &rows));
  nn_status st = nn_apply(t->ctx, &nn_op_index_select, &attr, 2, (nn_tensor *[]){from, rows},
                          batch);
  nn_tensor_release(rows);
  return st;
}

static nn_status take_rows(nn_trainer *t, nn_tensor *from, int64_t first, int64_t n,
                           nn_tensor **batch) {
  if (!from) return NN_OK;
  if (!t->order) return narrowed(t, from, first, n, batch);
  return from->v.dense ? gather(t, from, first, n, batch) : selected(t, from, first, n, batch);
}

/* ---- a batch ---- */

nn_status nn_loss_weighted(nn_ctx *ctx, nn_loss *loss, nn_tensor *prediction, nn_tensor *target,
                           nn_tensor *weight, nn_tensor **out) {
  const char *reduction = loss->reduction;
  nn_tensor *terms = NULL, *wide = NULL, *weighted = NULL;
  nn_status st = NN_OK;
  nn_value v;
  *out = NULL;
  loss->reduction = "none";
  st = nn_loss_forward(ctx, loss, prediction, target, &terms);
  loss->reduction = reduction;
  if (st != NN_OK) return st;
  nn_value_copy(&v, &weight->v);
  if (terms->v.shape.ndim == 0 || terms->v.shape.dim[0] != v.numel) {
    st = nn_fail(ctx, NN_ESHAPE, "%s: has no term for each sample, so they cannot be weighted",
                 loss->class->name);
    goto done;
  }
  v.shape.ndim = terms->v.shape.ndim; /* (n, 1, ...) */
  for (int d = 1; d < v.shape.ndim; d++) v.shape.dim[d] = v.stride[d] = 1;
  nn_value_settle(&v);
  NN_GO(nn_tensor_view(ctx, &v, &wide));
  NN_GO(nn_apply(ctx, &nn_op_mul, NULL, 2, (nn_tensor *[]){terms, wide}, &weighted));
  st = nn_loss_reduce(ctx, loss, weighted, out);
done:
  nn_tensor_release(terms);
  nn_tensor_release(wide);
  return st;
}

/* The prediction of rows first.. goes where the epoch's are gathered. */
static nn_status keep_output(nn_trainer *t, const nn_tensor *out, int64_t first) {
  nn_value place;
  nn_shape s = out->v.shape;
  if (s.ndim == 0)
    return nn_fail(t->ctx, NN_ESHAPE, "fit: metrics need a prediction with a row for each sample");
  if (!t->outputs) {
    s.dim[0] = t->x->v.shape.dim[0];
    NN_TRY(nn_tensor_new(t->ctx, out->v.dtype, &s, &t->outputs));
  }
  nn_value_copy(&place, &t->outputs->v);
  place.shape.dim[0] = out->v.shape.dim[0];
  place.offset += first * place.stride[0];
  nn_value_settle(&place);
  if (!nn_shape_equal(&place.shape, &out->v.shape))
    return nn_fail(t->ctx, NN_ESHAPE, "fit: predictions change their shape from batch to batch");
  nn_touch(&t->outputs->v);
  return nn_copy_into(t->ctx, &place, &out->v);
}

/* Backward from l, whose samples are this share of the step's. */
static nn_status backward(nn_ctx *ctx, nn_tensor *l, double share) {
  nn_tensor *seed = NULL;
  if (share == 1) return nn_backward(ctx, l, NULL, false);
  NN_TRY(nn_tensor_new(ctx, l->v.dtype, &l->v.shape, &seed));
  nn_status st = nn_fill_into(ctx, &seed->v, share);
  if (st == NN_OK) st = nn_backward(ctx, l, seed, false);
  nn_tensor_release(seed);
  return st;
}

/* What holds for all steps that are played like this one. */
static void learn(nn_trainer *t, const nn_replay_step *s) {
  t->same_descends = nn_replay_descends(s, t->optim, t->rows[0]);
  t->nothers = 0;
  for (int i = 0; i < t->nparams; i++)
    if (!nn_replay_bounds(s, t->param[i])) t->others[t->nothers++] = t->param[i];
}

/* How the next batch of n rows is run. */
static nn_replay_step find_replay(nn_trainer *t, int64_t n, bool keep) {
  nn_replay_step s = {NULL, -1, false};
  const bool known = !keep && t->same.plan >= 0 && t->same_rows == n, waited = t->waits;
  if (known)
    s = t->same;
  else if (!keep && !t->weight && t->accumulate == 1)
    s = nn_replay_begin(t->ctx, &t->optim->replay, t->model, t->loss, t->rows[0], t->rows[1]);
  if (s.plan >= 0 && !known) learn(t, &s);
  t->waits = s.plan >= 0 && t->unseen && t->same_descends;
  t->optim->again = known && t->waits == waited;
  t->same = s;
  t->same_rows = n;
  return s;
}

/* Forward, and backward where the loss is finite. */
static nn_status run_batch(nn_trainer *t, int64_t first, int64_t n, double share, bool keep,
                           double *value) {
  nn_ctx *ctx = t->ctx;
  nn_tensor *prediction = NULL, *l = NULL;
  nn_tensor **rows = t->rows;
  nn_replay_step replay = {NULL, -1, false};
  nn_status st = NN_OK;
  NN_GO(take_rows(t, t->x, first, n, &rows[0]));
  NN_GO(take_rows(t, t->y, first, n, &rows[1]));
  NN_GO(take_rows(t, t->weight, first, n, &rows[2]));
  replay = find_replay(t, n, keep);
  if (replay.plan >= 0) return nn_replay_play(&replay, rows[0], rows[1], t->waits, value);
  NN_GO(nn_layer_forward(ctx, t->model, rows[0], false, &prediction));
  if (keep) NN_GO(keep_output(t, prediction, first));
  if (t->weight)
    NN_GO(nn_loss_weighted(ctx, t->loss, prediction, rows[1], rows[2], &l));
  else
    NN_GO(nn_loss_forward(ctx, t->loss, prediction, rows[1], &l));
  if (l->v.numel != 1) {
    nn_text text;
    st = nn_fail(ctx, NN_ESHAPE,
                 "fit: the loss must give a number, got a %s tensor of %s; its reduction must be "
                 "\"mean\" or \"sum\"",
                 nn_dtype_name(l->v.dtype), nn_value_text(&text, &l->v));
    goto done;
  }
  *value = nn_value_real_at(&l->v, l->v.offset);
  if (replay.note) nn_replay_turn(&replay, l);
  if (isfinite(*value)) NN_GO(backward(ctx, l, share));
done:
  if (replay.note) nn_replay_end(&replay, st, t->model, t->loss, rows[0], rows[1]);
  nn_tensor_release(prediction);
  nn_tensor_release(l);
  return st;
}

/* ---- a step ---- */

/* What a closure's call found. */
typedef struct found {
  double value, penalty; /* what the optimizer sees, and the penalty in it */
  double sum;            /* the epoch's sum with this step's batches */
} found;

typedef struct pass {
  nn_trainer *t;
  int64_t rows; /* of this step */
  int calls;
  found first, least; /* of the calls: an optimizer tells of one of these */
} pass;

static nn_status run_batches(pass *p, found *now) {
  nn_trainer *t = p->t;
  const bool is_sum = t->is_sum;
  const int64_t end = t->row + p->rows;
  int64_t batch = t->batch;
  now->value = 0;
  now->sum = t->total;
  for (int64_t first = t->row, n; first < end; first += n) {
    n = end - first < t->size ? end - first : t->size;
    const double share = is_sum ? 1 : (double)n / (double)p->rows;
    double value = 0;
    batch++;
    NN_TRY(run_batch(t, first, n, share, t->gather && p->calls == 0, &value));
    now->sum += is_sum ? value : value * (double)n;
    now->value += share * value;
    if (p->calls == 0) t->value = value;
    if (isfinite(value)) continue;
    if (p->calls > 0) return NN_OK; /* a line search that went too far comes back */
    t->fault = NN_FAULT_LOSS;
    t->fault_batch = batch;
    t->at = first;
    return NN_OK;
  }
  return NN_OK;
}

/* The largest of all data in size: looked for once, and again where they were written to. */
static double most_of_data(nn_trainer *t) {
  const nn_value *x = &t->x->v;
  if (t->most_known && t->most_version == x->storage->version) return t->most;
  t->most_known = true;
  t->most_version = x->storage->version;
  t->most = (double)INFINITY; /* what is not dense is looked at as gradients */
  if (x->dense && x->dtype == NN_F32) t->most = nn_largest_f32(x->numel, nn_data(x));
  if (x->dense && x->dtype == NN_F64) t->most = nn_largest_f64(x->numel, nn_data(x));
  return t->most;
}

/* Whether gradients stay as backward made them. */
static bool is_plain(const nn_trainer *t) {
  return t->l1 == 0 && t->l2 == 0 && t->clip_norm == 0 && t->clip_value == 0;
}

/* Where the operands show that products are small, these are not looked through. Where they do not, those
   that wait are computed. */
static void bound(nn_trainer *t) {
  t->bounded = false;
  if (t->same.plan < 0 || t->nothers == t->nparams || !is_plain(t)) return;
  t->bounded = is_tame(t, nn_replay_bound(&t->same, most_of_data(t)));
  if (t->bounded || !t->waits) return;
  nn_replay_stay(&t->same);
  t->waits = t->optim->again = false;
}

static nn_status closure(void *user, double *value) {
  pass *p = user;
  nn_trainer *t = p->t;
  found now = {0};
  bool finite = true;
  nn_optim_zero_grad(t->optim);
  NN_TRY(run_batches(p, &now));
  if (isfinite(now.value)) {
    bound(t);
    NN_TRY(nn_trainer_settle(t, &now.penalty, &finite));
    now.value += now.penalty;
    if (!finite && p->calls == 0) {
      t->fault = NN_FAULT_GRADIENT;
      t->fault_batch = t->batch + (p->rows + t->size - 1) / t->size;
      t->at = t->row;
    }
    if (!finite) now.value = (double)NAN;
  }
  if (t->yields) { /* from here on the weights change */
    nn_batch_yields = 0;
    NN_TRY(nn_poll(t->ctx));
  }
  if (p->calls == 0) p->first = now;
  if (p->calls == 0 || now.value < p->least.value) p->least = now;
  p->calls++;
  *value = now.value;
  return NN_OK;
}

/* Whether Ctrl-C has ended the batch before its time; then it is as if it had not begun. */
static bool was_stopped(const nn_trainer *t, nn_status st) {
  if (st != NN_EINTR || !nn_stop_asked || !t->yields) return false;
  nn_interrupted = 0;
  return true;
}

static nn_status step(nn_trainer *t) {
  const int64_t left = t->x->v.shape.dim[0] - t->row, most = t->size * t->accumulate;
  pass p = {.t = t, .rows = left < most ? left : most};
  const nn_closure c = {.call = closure, .user = &p};
  double value;
  t->fault = NN_FAULT_NONE;
  NN_TRY(nn_trainer_mark(t));
  nn_batch_yields = t->yields;
  nn_status st = nn_optim_step_with(t->ctx, t->optim, &c, &value);
  nn_batch_yields = 0;
  if (was_stopped(t, st)) {
    nn_trainer_rewind(t);
    return NN_OK;
  }
  if (st != NN_OK || !isfinite(value)) {
    if (st == NN_OK && t->fault == NN_FAULT_NONE) t->fault = NN_FAULT_LOSS;
    nn_trainer_rewind(t);
    return st;
  }
  if (t->waits) nn_replay_descend(&t->same, t->optim);
  /* RandomSearch may tell of an earlier step's */
  const found other = {.sum = t->total + value * (double)p.rows};
  const found *f = value == p.first.value ? &p.first : value == p.least.value ? &p.least : &other;
  t->fault = NN_FAULT_NONE;
  t->total = f->sum;
  if (t->l1 != 0 || t->l2 != 0) t->penalty += f->penalty * (double)p.rows;
  t->row += p.rows;
  t->batch += (p.rows + t->size - 1) / t->size;
  return NN_OK;
}

/* Whether gradients stay as backward made them, and another step comes after this one. */
static bool is_unseen(const nn_trainer *t, int64_t end) {
  const int64_t rows = t->x->v.shape.dim[0];
  return is_plain(t) && !t->optim->class->drive && !nn_stop_asked && t->batch + 1 < end &&
         t->row + t->size < rows;
}

nn_status nn_trainer_run(nn_trainer *t, int64_t most) {
  t->is_sum = nn_loss_reduction(t->loss) == NN_REDUCE_SUM;
  t->same.plan = -1;
  return nn_trainer_go_on(t, most);
}

nn_status nn_trainer_go_on(nn_trainer *t, int64_t most) {
  const int64_t rows = t->x->v.shape.dim[0];
  int64_t end = most < INT64_MAX - t->batch ? t->batch + most : INT64_MAX;
  do {
    t->unseen = is_unseen(t, end);
    NN_TRY(step(t));
    if (t->fault != NN_FAULT_NONE) return NN_OK;
  } while (t->row < rows && t->batch < end && (!nn_stop_asked || t->waits));
  return NN_OK;
}
