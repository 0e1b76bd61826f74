/* base/param.c: see param.h. */
#include "base/param.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *field(const nn_param *p, void *unit) {
  return (char *)unit + p->offset;
}
static const void *field_of(const nn_param *p, const void *unit) {
  return (const char *)unit + p->offset;
}

void nn_param_defaults(const nn_param *params, void *unit) {
  for (const nn_param *p = params; p && p->kind != NN_PARAM_END; p++) {
    void *f = field(p, unit);
    switch (p->kind) {
      case NN_PARAM_INT: *(int64_t *)f = (int64_t)p->def[0]; break;
      case NN_PARAM_REAL: *(double *)f = p->def[0]; break;
      case NN_PARAM_BOOL: *(bool *)f = p->def[0] != 0; break;
      case NN_PARAM_ENUM: *(const char **)f = p->choice; break;
      case NN_PARAM_PAIR: memcpy(f, p->def, sizeof p->def); break;
      case NN_PARAM_INTS: *(nn_ints *)f = (nn_ints){1, {(int64_t)p->def[0]}}; break;
      case NN_PARAM_REALS: *(nn_reals *)f = (nn_reals){0}; break;
      case NN_PARAM_END: break;
    }
  }
}

void nn_param_drop(nn_ctx *ctx, const nn_param *params, void *unit) {
  for (const nn_param *p = params; p && p->kind != NN_PARAM_END; p++) {
    if (p->kind != NN_PARAM_REALS) continue;
    nn_reals *list = field(p, unit);
    nn_mem_give(ctx, list->v, (size_t)list->n * sizeof *list->v);
    *list = (nn_reals){0};
  }
}

/* ---- checking and storing ---- */

static void range_text(const nn_param *p, char *buf, size_t size) {
  bool lo = p->lo > -NN_REAL_MAX, hi = p->hi < NN_DIM_MAX;
  const char *above = p->flags & NN_P_ABOVE_LO ? "above" : "from";
  const char *below = p->flags & NN_P_BELOW_HI ? "below" : "to";
  if (lo && hi)
    snprintf(buf, size, " %s %.10g %s %.10g", above, p->lo, below, p->hi);
  else if (lo)
    snprintf(buf, size, p->flags & NN_P_ABOVE_LO ? " above %.10g" : " of at least %.10g", p->lo);
  else if (hi)
    snprintf(buf, size, p->flags & NN_P_BELOW_HI ? " below %.10g" : " of at most %.10g", p->hi);
  else
    snprintf(buf, size, "%s", "");
}

static void wanted_text(const nn_param *p, char *buf, size_t size) {
  char range[80];
  range_text(p, range, sizeof range);
  switch (p->kind) {
    case NN_PARAM_INT: snprintf(buf, size, "a whole number%s", range); break;
    case NN_PARAM_REAL: snprintf(buf, size, "a finite number%s", range); break;
    case NN_PARAM_BOOL: snprintf(buf, size, "true or false"); break;
    case NN_PARAM_PAIR: snprintf(buf, size, "a list of two numbers%s", range); break;
    case NN_PARAM_INTS:
      snprintf(buf, size, "a whole number%s or a list of 1 to %d of them", range, NN_INTS_MAX);
      break;
    case NN_PARAM_REALS:
      snprintf(buf, size, "a list (or a tensor) of finite numbers%s", range);
      break;
    case NN_PARAM_ENUM: {
      int at = snprintf(buf, size, "one of");
      for (const char *const *c = p->choices; *c && at > 0 && (size_t)at < size; c++)
        at += snprintf(buf + at, size - (size_t)at, "%s \"%s\"", c == p->choices ? "" : ",", *c);
      break;
    }
    case NN_PARAM_END: break;
  }
}

static const double *numbers(const nn_arg *v) {
  return v->many ? v->many : v->list;
}

static void got_text(const nn_arg *v, char *buf, size_t size) {
  switch (v->kind) {
    case NN_ARG_NIL: snprintf(buf, size, "nil"); break;
    case NN_ARG_BOOL: snprintf(buf, size, "%s", v->b ? "true" : "false"); break;
    case NN_ARG_INT: snprintf(buf, size, "%lld", (long long)v->i); break;
    case NN_ARG_REAL: snprintf(buf, size, isnan(v->r) ? "nan" : "%.14g", v->r); break;
    case NN_ARG_TEXT: snprintf(buf, size, "\"%.60s\"", v->s); break;
    case NN_ARG_LIST: {
      int at = snprintf(buf, size, "{");
      for (int i = 0; i < v->n && at > 0 && (size_t)at < size; i++)
        at += snprintf(buf + at, size - (size_t)at, "%s%.14g", i ? ", " : "", numbers(v)[i]);
      if (at > 0 && (size_t)at < size) snprintf(buf + at, size - (size_t)at, "}");
      break;
    }
    case NN_ARG_OTHER: snprintf(buf, size, "%.60s", v->s); break;
  }
}

static nn_status refuse(nn_ctx *ctx, const char *owner, const nn_param *p, const nn_arg *v) {
  char want[256], got[256];
  wanted_text(p, want, sizeof want);
  got_text(v, got, sizeof got);
  if (v->kind == NN_ARG_NIL)
    return nn_fail(ctx, NN_ETYPE, "%s: '%s' is missing; it must be %s (%s)", owner, p->name, want,
                   p->doc);
  return nn_fail(ctx, NN_EVALUE, "%s: '%s' must be %s, got %s", owner, p->name, want, got);
}

static bool in_range(const nn_param *p, double r) {
  if (!isfinite(r)) return false;
  if (p->flags & NN_P_ABOVE_LO ? r <= p->lo : r < p->lo) return false;
  return p->flags & NN_P_BELOW_HI ? r < p->hi : r <= p->hi;
}

static bool as_real(const nn_arg *v, double *r) {
  if (v->kind == NN_ARG_INT) *r = (double)v->i;
  if (v->kind == NN_ARG_REAL) *r = v->r;
  return v->kind == NN_ARG_INT || v->kind == NN_ARG_REAL;
}

static bool as_int(const nn_param *p, double r, int64_t *i) {
  if (!in_range(p, r) || r != floor(r) || fabs(r) > 9e15) return false;
  *i = (int64_t)r;
  return true;
}

static bool store_ints(const nn_param *p, void *unit, const nn_arg *v) {
  nn_ints list = {0};
  double r;
  if (as_real(v, &r)) {
    list.n = 1;
    if (!as_int(p, r, &list.v[0])) return false;
  } else {
    if (v->kind != NN_ARG_LIST || v->n < 1 || v->n > NN_INTS_MAX) return false;
    list.n = v->n;
    for (int i = 0; i < v->n; i++)
      if (!as_int(p, v->list[i], &list.v[i])) return false;
  }
  *(nn_ints *)field(p, unit) = list;
  return true;
}

static bool fits_reals(const nn_param *p, const nn_arg *v) {
  double r;
  if (as_real(v, &r)) return in_range(p, r);
  bool ok = v->kind == NN_ARG_LIST && v->n > 0;
  for (int i = 0; ok && i < v->n; i++) ok = in_range(p, numbers(v)[i]);
  return ok;
}

/* A copy of the numbers, which fit, in place of those that stood there. */
static nn_status store_reals(nn_ctx *ctx, const nn_param *p, void *unit, const nn_arg *v) {
  nn_reals list = {.n = v->kind == NN_ARG_LIST ? v->n : 1}, *old = field(p, unit);
  double r;
  list.v = nn_mem_take(ctx, (size_t)list.n * sizeof *list.v);
  if (!list.v) return NN_ENOMEM;
  memcpy(list.v, as_real(v, &r) ? &r : numbers(v), (size_t)list.n * sizeof *list.v);
  nn_mem_give(ctx, old->v, (size_t)old->n * sizeof *old->v);
  *old = list;
  return NN_OK;
}

static bool store_pair(const nn_param *p, void *unit, const nn_arg *v) {
  if (v->kind != NN_ARG_LIST || v->n != 2) return false;
  if (!in_range(p, v->list[0]) || !in_range(p, v->list[1])) return false;
  memcpy(field(p, unit), v->list, sizeof(double[2]));
  return true;
}

static bool store_choice(const nn_param *p, void *unit, const nn_arg *v) {
  if (v->kind != NN_ARG_TEXT) return false;
  for (const char *const *c = p->choices; *c; c++) {
    if (strcmp(*c, v->s) != 0) continue;
    *(const char **)field(p, unit) = *c;
    return true;
  }
  return false;
}

nn_status nn_param_set(nn_ctx *ctx, const char *owner, const nn_param *p, void *unit,
                       const nn_arg *v) {
  bool ok = false;
  double r = 0;
  int64_t i = 0;
  switch (p->kind) {
    case NN_PARAM_INT:
      ok = as_real(v, &r) && as_int(p, r, &i);
      if (ok) *(int64_t *)field(p, unit) = i;
      break;
    case NN_PARAM_REAL:
      ok = as_real(v, &r) && in_range(p, r);
      if (ok) *(double *)field(p, unit) = r;
      break;
    case NN_PARAM_BOOL:
      ok = v->kind == NN_ARG_BOOL;
      if (ok) *(bool *)field(p, unit) = v->b;
      break;
    case NN_PARAM_ENUM: ok = store_choice(p, unit, v); break;
    case NN_PARAM_PAIR: ok = store_pair(p, unit, v); break;
    case NN_PARAM_INTS: ok = store_ints(p, unit, v); break;
    case NN_PARAM_REALS:
      if (fits_reals(p, v)) return store_reals(ctx, p, unit, v);
      break;
    case NN_PARAM_END: break;
  }
  return ok ? NN_OK : refuse(ctx, owner, p, v);
}

bool nn_param_set_whole(const nn_param *p, void *unit, int64_t i) {
  return as_int(p, (double)i, (int64_t *)field(p, unit));
}

nn_arg nn_param_get(const nn_param *p, const void *unit) {
  const void *f = field_of(p, unit);
  nn_arg v = {0};
  switch (p->kind) {
    case NN_PARAM_INT: v = (nn_arg){.kind = NN_ARG_INT, .i = *(const int64_t *)f}; break;
    case NN_PARAM_REAL: v = (nn_arg){.kind = NN_ARG_REAL, .r = *(const double *)f}; break;
    case NN_PARAM_BOOL: v = (nn_arg){.kind = NN_ARG_BOOL, .b = *(const bool *)f}; break;
    case NN_PARAM_ENUM: v = (nn_arg){.kind = NN_ARG_TEXT, .s = *(const char *const *)f}; break;
    case NN_PARAM_PAIR:
      v = (nn_arg){.kind = NN_ARG_LIST, .n = 2};
      memcpy(v.list, f, sizeof(double[2]));
      break;
    case NN_PARAM_INTS: {
      const nn_ints *list = f;
      v = (nn_arg){.kind = NN_ARG_LIST, .n = (int)list->n};
      for (int i = 0; i < v.n; i++) v.list[i] = (double)list->v[i];
      break;
    }
    case NN_PARAM_REALS: {
      const nn_reals *list = f;
      if (list->n == 0) break;
      v = (nn_arg){.kind = NN_ARG_LIST, .n = (int)list->n, .many = list->v};
      for (int i = 0; i < v.n && i < NN_INTS_MAX; i++) v.list[i] = list->v[i];
      break;
    }
    case NN_PARAM_END: break;
  }
  return v;
}

/* ---- looking up ---- */

const nn_param *nn_param_find(const nn_param *params, const char *name) {
  for (const nn_param *p = params; p && p->kind != NN_PARAM_END; p++)
    if (strcmp(p->name, name) == 0) return p;
  return NULL;
}

const nn_param *nn_param_at(const nn_param *params, int i) {
  for (const nn_param *p = params; p && p->kind != NN_PARAM_END; p++)
    if (p->flags & (NN_P_NEEDED | NN_P_PLACE) && i-- == 0) return p;
  return NULL;
}

/* Edits between two words, insertion, deletion or change of a letter each one (Levenshtein);
   long words are cut. */
static int slips(const char *a, const char *b) {
  enum { MAX = 32 };
  int row[MAX + 1], na = (int)strnlen(a, MAX), nb = (int)strnlen(b, MAX);
  for (int j = 0; j <= nb; j++) row[j] = j;
  for (int i = 1; i <= na; i++) {
    int diagonal = row[0];
    row[0] = i;
    for (int j = 1; j <= nb; j++) {
      int best = diagonal + (a[i - 1] != b[j - 1]);
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      diagonal = row[j];
      row[j] = best;
    }
  }
  return row[nb];
}

const char *nn_nearest(const char *name, const char *const *names) {
  const char *best = NULL;
  int least = 3;
  for (; *names; names++) {
    int d = slips(name, *names);
    if (d < least && d < (int)strlen(*names)) {
      least = d;
      best = *names;
    }
  }
  return best;
}

nn_status nn_param_unknown(nn_ctx *ctx, const char *owner, const nn_param *params,
                           const char *name) {
  enum { MAX = 32 };
  const char *names[MAX + 1];
  char all[512] = "";
  int n = 0;
  size_t at = 0;
  for (const nn_param *p = params; p && p->kind != NN_PARAM_END && n < MAX; p++) {
    names[n++] = p->name;
    int w = snprintf(all + at, sizeof all - at, "%s%s", n > 1 ? ", " : "", p->name);
    if (w > 0 && at + (size_t)w < sizeof all) at += (size_t)w;
  }
  names[n] = NULL;
  if (n == 0)
    return nn_fail(ctx, NN_EVALUE, "%s: there is no option '%.60s'; it takes none", owner, name);
  const char *near = nn_nearest(name, names);
  if (near)
    return nn_fail(ctx, NN_EVALUE,
                   "%s: there is no option '%.60s'; did you mean '%s'? (the options are %s)", owner,
                   name, near, all);
  return nn_fail(ctx, NN_EVALUE, "%s: there is no option '%.60s'; the options are %s", owner, name,
                 all);
}

/* ---- printing and parsing ---- */

static bool is_default(const nn_param *p, const void *unit) {
  nn_arg v = nn_param_get(p, unit);
  switch (p->kind) {
    case NN_PARAM_INT: return (double)v.i == p->def[0];
    case NN_PARAM_REAL: return v.r == p->def[0];
    case NN_PARAM_BOOL: return v.b == (p->def[0] != 0);
    case NN_PARAM_ENUM: return v.s && p->choice && strcmp(v.s, p->choice) == 0;
    case NN_PARAM_PAIR: return v.list[0] == p->def[0] && v.list[1] == p->def[1];
    case NN_PARAM_INTS: return v.n == 1 && v.list[0] == p->def[0];
    case NN_PARAM_REALS: return v.n == 0;
    case NN_PARAM_END: break;
  }
  return true;
}

/* Shortest text that reads back as the same double. */
static void real_text(double r, char *buf, size_t size) {
  for (int digits = 6; digits <= 17; digits++) {
    snprintf(buf, size, "%.*g", digits, r);
    if (strtod(buf, NULL) == r) return;
  }
}

static void value_text(const nn_param *p, const void *unit, char *buf, size_t size) {
  nn_arg v = nn_param_get(p, unit);
  size_t at = 0;
  if (v.kind == NN_ARG_REAL) {
    real_text(v.r, buf, size);
  } else if (v.kind == NN_ARG_LIST && v.n == 1) {
    real_text(v.list[0], buf, size);
  } else if (v.kind == NN_ARG_LIST) {
    for (int i = 0; i < v.n; i++) {
      char number[32];
      real_text(numbers(&v)[i], number, sizeof number);
      int w = snprintf(buf + at, size - at, "%s%s", i ? ", " : "{", number);
      if (w > 0 && at + (size_t)w < size) at += (size_t)w;
    }
    snprintf(buf + at, size - at, "}");
  } else {
    got_text(&v, buf, size);
  }
}

void nn_param_print(const nn_param *params, const void *unit, char *buf, size_t size) {
  char text[256], options[1024] = "";
  size_t at = 0, o = 0;
  buf[0] = 0;
  for (const nn_param *p = params; p && p->kind != NN_PARAM_END; p++) {
    bool place = (p->flags & (NN_P_NEEDED | NN_P_PLACE)) != 0;
    if (!place && is_default(p, unit)) continue;
    value_text(p, unit, text, sizeof text);
    int w;
    if (place) {
      w = snprintf(buf + at, size - at, "%s%s", at ? ", " : "", text);
      if (w > 0 && at + (size_t)w < size) at += (size_t)w;
    } else {
      w = snprintf(options + o, sizeof options - o, "%s%s = %s", o ? ", " : "", p->name, text);
      if (w > 0 && o + (size_t)w < sizeof options) o += (size_t)w;
    }
  }
  if (o) snprintf(buf + at, size - at, "%s{%s}", at ? ", " : "", options);
}

const char *nn_param_call(const char *name, const nn_param *params, const void *unit, char *buf,
                          size_t size) {
  char args[512];
  nn_param_print(params, unit, args, sizeof args);
  snprintf(buf, size, args[0] == '{' ? "%s%s" : "%s(%s)", name, args);
  return buf;
}

/* One value of the examples' notation: true, false, "word", number, or {number, number}. */
static const char *read_value(const char *s, nn_arg *v, char *word, size_t size) {
  char *end;
  if (strncmp(s, "true", 4) == 0 || strncmp(s, "false", 5) == 0) {
    *v = (nn_arg){.kind = NN_ARG_BOOL, .b = *s == 't'};
    return s + (*s == 't' ? 4 : 5);
  }
  if (*s == '{') {
    *v = (nn_arg){.kind = NN_ARG_LIST};
    for (s++; *s && *s != '}' && v->n < NN_INTS_MAX; s += strspn(s, ", ")) {
      v->list[v->n++] = strtod(s, &end);
      if (end == s) return NULL;
      s = end;
    }
    return *s == '}' ? s + 1 : NULL;
  }
  if (*s == '"') {
    size_t n = strcspn(s + 1, "\"");
    if (n >= size || s[1 + n] != '"') return NULL;
    memcpy(word, s + 1, n);
    word[n] = 0;
    *v = (nn_arg){.kind = NN_ARG_TEXT, .s = word};
    return s + n + 2;
  }
  *v = (nn_arg){.kind = NN_ARG_REAL, .r = strtod(s, &end)};
  return end == s ? NULL : end;
}

/* A name and an equals sign: what stands in braces are options, not a list. */
static bool begins_options(const char *s) {
  size_t name = strspn(s, "abcdefghijklmnopqrstuvwxyz_0123456789");
  return name > 0 && s[name + strspn(s + name, " ")] == '=';
}

nn_status nn_param_parse(nn_ctx *ctx, const char *owner, const nn_param *params, void *unit,
                         const char *text) {
  char word[64], name[64];
  int place = 0;
  nn_param_defaults(params, unit);
  for (const char *s = text ? text : ""; *s; s += strspn(s, ", }")) {
    if (*s == '{' && begins_options(s + 1)) s++;
    const nn_param *p;
    size_t n = strcspn(s, "=,");
    if (s[n] == '=' && *s != '{' && *s != '"') {
      size_t len = strcspn(s, " =");
      if (len >= sizeof name)
        return nn_fail(ctx, NN_EVALUE, "%s: name too long in \"%s\"", owner, text);
      memcpy(name, s, len);
      name[len] = 0;
      p = nn_param_find(params, name);
      if (!p) return nn_param_unknown(ctx, owner, params, name);
      s += n + 1;
      s += strspn(s, " ");
    } else {
      p = nn_param_at(params, place++);
      if (!p) return nn_fail(ctx, NN_EVALUE, "%s: too many values in \"%s\"", owner, text);
    }
    nn_arg v;
    s = read_value(s, &v, word, sizeof word);
    if (!s) return nn_fail(ctx, NN_EVALUE, "%s: cannot read \"%s\"", owner, text);
    NN_TRY(nn_param_set(ctx, owner, p, unit, &v));
  }
  return NN_OK;
}
