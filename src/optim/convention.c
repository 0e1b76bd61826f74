/* optim/convention.c: options with the defaults of a convention, read and printed; see optim.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "optim/optim.h"

const char *const nn_conventions[] = {"pytorch", "keras", "torch7", "chapter", NULL};

bool nn_follows(const void *hyper, const char *convention) {
  const nn_hyper *h = hyper;
  return h->convention && strcmp(h->convention, convention) == 0;
}

void nn_optim_params(const nn_optim_class *class, const char *convention, nn_param *out) {
  int n = 0;
  do {
    nn_param *p = &out[n];
    *p = class->params[n];
    if (p->kind == NN_PARAM_END || !convention) continue;
    if (p->kind == NN_PARAM_ENUM && strcmp(p->name, "convention") == 0) p->choice = convention;
    for (const nn_default *d = class->defaults; d && d->convention; d++)
      if (strcmp(d->convention, convention) == 0 && strcmp(d->option, p->name) == 0)
        memcpy(p->def, d->value, sizeof p->def);
  } while (class->params[n++].kind != NN_PARAM_END && n < NN_MAXPARAMS);
}

/* Twice: once to see which convention it names, once over that one's defaults. */
nn_status nn_optim_parse(nn_ctx *ctx, const nn_optim_class *class, void *hyper, const char *text) {
  nn_param params[NN_MAXPARAMS];
  NN_TRY(nn_param_parse(ctx, class->name, class->params, hyper, text));
  nn_optim_params(class, ((const nn_hyper *)hyper)->convention, params);
  return nn_param_parse(ctx, class->name, params, hyper, text);
}

/* The rate always, then what differs from the convention's defaults. */
const char *nn_optim_text(const nn_optim *o, char *buf, size_t size) {
  nn_param params[NN_MAXPARAMS];
  const nn_hyper *h = o->hyper[0];
  nn_optim_params(o->class, h->convention, params);
  for (nn_param *p = params; p->kind != NN_PARAM_END; p++) {
    if (strcmp(p->name, "lr") == 0) p->def[0] = NAN;
    if (strcmp(p->name, "convention") == 0) p->choice = "pytorch";
  }
  return nn_param_call(o->class->name, params, h, buf, size);
}
